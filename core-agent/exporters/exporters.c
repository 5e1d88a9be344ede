/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters.h"

#include "exporter_classes.h"
#include "log.h"
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

struct exporters {
	struct row rows[EXPORTERS_MAX];
	size_t n;
};

static const struct exporter_class *find_class(const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (strcmp(classes[i]->name, name) == 0)
			return classes[i];
	return NULL;
}

static bool has_class(const struct exporters *exporters, const struct exporter_class *class)
{
	for (size_t i = 0; i < exporters->n; i++)
		if (exporters->rows[i].class == class)
			return true;
	return false;
}

/* NULL, logged, when the name cannot be used. */
static const struct exporter_class *choose_class(const struct exporters *exporters,
						 const char *name)
{
	const struct exporter_class *class = find_class(name);

	if (!class)
		log_error("there is no exporter of this name", "exporters=%s known=%s", name,
			  KNOWN_NAMES);
	else if (has_class(exporters, class))
		log_error("an exporter is named twice", "exporters=%s", name);
	else if (exporters->n == EXPORTERS_MAX)
		log_error("too many exporters", "max=%d", EXPORTERS_MAX);
	else
		return class;
	return NULL;
}

static int add_exporter(struct exporters *exporters, const char *name,
			const struct agent_settings *settings, struct event_base *base,
			struct history *history)
{
	const struct exporter_class *class = choose_class(exporters, name);
	struct exporter *exporter;

	if (!class)
		return -EINVAL;
	errno = 0;
	exporter = class->new(settings, base);
	if (!exporter)
		return errno > 0 ? -errno : -ENOMEM;
	if (class->attach_history)
		class->attach_history(exporter, history);
	exporters->rows[exporters->n++] = (struct row){.class = class, .exporter = exporter};
	return 0;
}

int exporters_new(const struct agent_settings *settings, struct event_base *base,
		  struct history *history, struct exporters **ret)
{
	struct exporters *exporters = calloc(1, sizeof(*exporters));

	if (!exporters)
		return -ENOMEM;
	for (size_t i = 0; i < settings->exporters.n; i++) {
		int r = add_exporter(exporters, settings->exporters.items[i], settings, base,
				     history);

		if (r < 0) {
			exporters_free(exporters);
			return r;
		}
	}
	*ret = exporters;
	return 0;
}

void exporters_free(struct exporters *exporters)
{
	if (!exporters)
		return;
	for (size_t i = 0; i < exporters->n; i++)
		exporters->rows[i].class->free(exporters->rows[i].exporter);
	free(exporters);
}

static int worse(int so_far, int r)
{
	return r < 0 && so_far != -EPIPE ? r : so_far;
}

int exporters_begin(struct exporters *exporters, const struct interval *interval)
{
	int result = 0;

	for (struct row *row = exporters->rows; row < exporters->rows + exporters->n; row++)
		result = worse(result, row->class->begin(row->exporter, interval));
	return result;
}

int exporters_connection(struct exporters *exporters, const struct connection *connection)
{
	int result = 0;

	for (struct row *row = exporters->rows; row < exporters->rows + exporters->n; row++)
		result = worse(result, row->class->connection(row->exporter, connection));
	return result;
}

int exporters_listener(struct exporters *exporters, const struct connection *listener)
{
	int result = 0;

	for (struct row *row = exporters->rows; row < exporters->rows + exporters->n; row++)
		if (row->class->listener)
			result = worse(result, row->class->listener(row->exporter, listener));
	return result;
}

int exporters_overflow(struct exporters *exporters, const struct overflow *overflow)
{
	int result = 0;

	for (struct row *row = exporters->rows; row < exporters->rows + exporters->n; row++)
		result = worse(result, row->class->overflow(row->exporter, overflow));
	return result;
}

int exporters_end(struct exporters *exporters, bool is_aborted)
{
	int result = 0;

	for (struct row *row = exporters->rows; row < exporters->rows + exporters->n; row++)
		result = worse(result, row->class->end(row->exporter, is_aborted));
	return result;
}

void exporters_polled(struct exporters *exporters)
{
	for (struct row *row = exporters->rows; row < exporters->rows + exporters->n; row++)
		if (row->class->polled)
			row->class->polled(row->exporter);
}

const char *exporters_name(const struct exporters *exporters, size_t i)
{
	return i < exporters->n ? exporters->rows[i].class->name : NULL;
}

const struct exporter_stats *exporters_stats(const struct exporters *exporters, size_t i)
{
	const struct row *row = &exporters->rows[i];

	return i < exporters->n ? row->class->stats(row->exporter) : NULL;
}
