/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters.h"

#include "exporter_classes.h"
#include "log.h"
#include "recent/recent.h"
#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct exporter_class *const classes[] = {
	&local_exporter,
	&jsonl_exporter,
	&table_exporter,
	&intake_exporter,
};
#define KNOWN_NAMES "local, jsonl, table, intake"

struct row {
	const struct exporter_class *class;
	struct exporter *exporter;
};

/* What is in use, or will be. */
struct choice {
	struct row rows[EXPORTERS_MAX];
	size_t n;
};

struct exporters {
	const struct agent_settings *settings;
	struct event_base *base;
	struct history *history;
	struct recent *recent;
	struct choice now;
	struct choice next; /* from the end of the interval on, if has_next */
	bool has_next;
	bool is_in_interval;
};

static const struct exporter_class *find_class(const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (strcmp(classes[i]->name, name) == 0)
			return classes[i];
	return NULL;
}

static const struct row *find_row(const struct choice *choice, const struct exporter_class *class)
{
	for (size_t i = 0; i < choice->n; i++)
		if (choice->rows[i].class == class)
			return &choice->rows[i];
	return NULL;
}

/* NULL, logged, when the name cannot be used. */
static const struct exporter_class *choose_class(const struct choice *choice, const char *name)
{
	const struct exporter_class *class = find_class(name);

	if (!class)
		log_error("there is no exporter of this name", "exporters=%s known=%s", name,
			  KNOWN_NAMES);
	else if (find_row(choice, class))
		log_error("an exporter is named twice", "exporters=%s", name);
	else if (choice->n == EXPORTERS_MAX)
		log_error("too many exporters", "max=%d", EXPORTERS_MAX);
	else
		return class;
	return NULL;
}

static struct exporter *make_exporter(const struct exporters *exporters,
				      const struct exporter_class *class)
{
	struct exporter *exporter = class->new(exporters->settings, exporters->base);

	if (exporter && class->attach_history)
		class->attach_history(exporter, exporters->history);
	return exporter;
}

/* The one in use already, or a new one. */
static int add_exporter(const struct exporters *exporters, struct choice *choice, const char *name)
{
	const struct exporter_class *class = choose_class(choice, name);
	const struct row *row = class ? find_row(&exporters->now, class) : NULL;
	struct exporter *exporter;

	if (!class)
		return -EINVAL;
	errno = 0;
	exporter = row ? row->exporter : make_exporter(exporters, class);
	if (!exporter)
		return errno > 0 ? -errno : -ENOMEM;
	choice->rows[choice->n++] = (struct row){.class = class, .exporter = exporter};
	return 0;
}

/* Free what `choice` has and `other` has not. */
static void free_others(struct choice *choice, const struct choice *other)
{
	for (size_t i = 0; i < choice->n; i++)
		if (!find_row(other, choice->rows[i].class))
			choice->rows[i].class->free(choice->rows[i].exporter);
	choice->n = 0;
}

static int make_choice(const struct exporters *exporters, const struct option_list *names,
		       struct choice *ret)
{
	for (size_t i = 0; i < names->n; i++) {
		int r = add_exporter(exporters, ret, names->items[i]);

		if (r < 0) {
			free_others(ret, &exporters->now);
			return r;
		}
	}
	return 0;
}

static void take_next(struct exporters *exporters)
{
	if (!exporters->has_next)
		return;
	free_others(&exporters->now, &exporters->next);
	exporters->now = exporters->next;
	exporters->has_next = false;
}

int exporters_change(struct exporters *exporters, const struct option_list *names)
{
	struct choice choice = {.n = 0};
	int r;

	r = make_choice(exporters, names, &choice);
	if (r < 0)
		return r;
	if (exporters->has_next) /* made, but never used */
		free_others(&exporters->next, &exporters->now);
	exporters->next = choice;
	exporters->has_next = true;
	if (!exporters->is_in_interval)
		take_next(exporters);
	return 0;
}

int exporters_new(const struct agent_settings *settings, struct event_base *base,
		  struct history *history, struct exporters **ret)
{
	struct exporters *exporters = calloc(1, sizeof(*exporters));
	struct choice choice = {.n = 0};
	int r;

	if (!exporters)
		return -ENOMEM;
	exporters->settings = settings;
	exporters->base = base;
	exporters->history = history;
	r = make_choice(exporters, &settings->exporters, &choice);
	exporters->now = choice;
	if (r < 0)
		exporters_free(exporters);
	else
		*ret = exporters;
	return r;
}

void exporters_set_recent(struct exporters *exporters, struct recent *recent)
{
	exporters->recent = recent;
}

void exporters_free(struct exporters *exporters)
{
	static const struct choice none;

	if (!exporters)
		return;
	if (exporters->has_next)
		free_others(&exporters->next, &exporters->now);
	free_others(&exporters->now, &none);
	free(exporters);
}

static const struct row *first(const struct exporters *exporters)
{
	return exporters->now.rows;
}

static const struct row *end(const struct exporters *exporters)
{
	return exporters->now.rows + exporters->now.n;
}

static int worse(int so_far, int r)
{
	return r < 0 && so_far != -EPIPE ? r : so_far;
}

int exporters_begin(struct exporters *exporters, const struct interval *interval)
{
	int result = 0;

	exporters->is_in_interval = true;
	if (exporters->recent)
		recent_begin(exporters->recent, interval);
	for (const struct row *row = first(exporters); row < end(exporters); row++)
		result = worse(result, row->class->begin(row->exporter, interval));
	return result;
}

int exporters_connection(struct exporters *exporters, const struct connection *connection)
{
	int result = 0;

	if (exporters->recent)
		recent_add(exporters->recent, connection);
	for (const struct row *row = first(exporters); row < end(exporters); row++)
		result = worse(result, row->class->connection(row->exporter, connection));
	return result;
}

int exporters_listener(struct exporters *exporters, const struct connection *listener)
{
	int result = 0;

	for (const struct row *row = first(exporters); row < end(exporters); row++)
		if (row->class->listener)
			result = worse(result, row->class->listener(row->exporter, listener));
	return result;
}

int exporters_overflow(struct exporters *exporters, const struct overflow *overflow)
{
	int result = 0;

	for (const struct row *row = first(exporters); row < end(exporters); row++)
		result = worse(result, row->class->overflow(row->exporter, overflow));
	return result;
}

int exporters_end(struct exporters *exporters, bool is_aborted)
{
	int result = 0;

	for (const struct row *row = first(exporters); row < end(exporters); row++)
		result = worse(result, row->class->end(row->exporter, is_aborted));
	exporters->is_in_interval = false;
	take_next(exporters);
	return result;
}

void exporters_polled(struct exporters *exporters)
{
	if (exporters->recent)
		recent_polled(exporters->recent);
	for (const struct row *row = first(exporters); row < end(exporters); row++)
		if (row->class->polled)
			row->class->polled(row->exporter);
}

bool exporters_are_sending(const struct exporters *exporters)
{
	for (const struct row *row = first(exporters); row < end(exporters); row++)
		if (row->class->is_sending && row->class->is_sending(row->exporter))
			return true;
	return false;
}

const char *exporters_name(const struct exporters *exporters, size_t i)
{
	return i < exporters->now.n ? exporters->now.rows[i].class->name : NULL;
}

const struct exporter_stats *exporters_stats(const struct exporters *exporters, size_t i)
{
	const struct row *row = &exporters->now.rows[i];

	return i < exporters->now.n ? row->class->stats(row->exporter) : NULL;
}
