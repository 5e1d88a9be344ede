/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter to the history on this host. What it adds is stored by the commit that
 * the pipeline makes after every interval, together with the read positions.
 */
#include "exporter_classes.h"
#include "history/history.h"
#include "record_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct exporter {
	struct history *history; /* NULL: could not be opened, everything is dropped */
	struct interval interval;
	uint64_t n_dropped_here;
	struct exporter_stats *stats; /* apart, so that asking can bring them up to date */
};

static struct exporter *local_new(const struct agent_settings *settings, struct event_base *base)
{
	struct exporter *exporter = calloc(1, sizeof(*exporter));

	(void)settings;
	(void)base;
	if (!exporter)
		return NULL;
	exporter->stats = calloc(1, sizeof(*exporter->stats));
	if (exporter->stats)
		return exporter;
	free(exporter);
	return NULL;
}

static void local_free(struct exporter *exporter)
{
	if (!exporter)
		return;
	free(exporter->stats);
	free(exporter);
}

/* What the history itself could not keep is a loss like any other. */
static char *describe_lost(const struct history_record *lost)
{
	const struct overflow overflow = {.cause = "history",
					  .n_connections = lost->n_connections,
					  .interval = lost->counters};
	const struct interval interval = {.end_unix_ns = lost->time_unix_ns,
					  .probe_instance = lost->probe_instance};

	return record_json_text(record_json_overflow(&overflow, &interval));
}

static void local_attach_history(struct exporter *exporter, struct history *history)
{
	exporter->history = history;
	if (history)
		history_set_describe_lost(history, describe_lost);
}

static int add_text(struct exporter *exporter, struct history_record *record, json_t *object)
{
	CLEANUP_FREE char *text = record_json_text(object);

	if (!text || !exporter->history) {
		exporter->n_dropped_here++;
		return text ? -ENODEV : -ENOMEM;
	}
	record->time_unix_ns = exporter->interval.end_unix_ns;
	(void)snprintf(record->probe_instance, sizeof(record->probe_instance), "%s",
		       exporter->interval.probe_instance); /* both have 32 digits */
	record->json = text;
	record->json_size = strlen(text);
	return history_add_record(exporter->history, record);
}

static int local_overflow(struct exporter *exporter, const struct overflow *overflow)
{
	struct history_record record = {.n_connections = overflow->n_connections,
					.counters = overflow->interval};

	return add_text(exporter, &record, record_json_overflow(overflow, &exporter->interval));
}

static int local_begin(struct exporter *exporter, const struct interval *interval)
{
	exporter->interval = *interval;
	return 0;
}

static bool is_idle(const struct connection *connection)
{
	const struct connection_counters *interval = &connection->interval;

	return connection->state == CONNECTION_OPEN && !connection->is_new &&
	       !connection->is_established_now && !interval->bytes_sent &&
	       !interval->bytes_received && !interval->packets_sent &&
	       !interval->packets_received && !interval->retransmits;
}

static int local_connection(struct exporter *exporter, const struct connection *connection)
{
	struct history_record record = {.connection_id = connection->id,
					.n_connections = connection->is_new,
					.counters = connection->interval,
					.state = connection->state};

	if (is_idle(connection))
		return 0;
	exporter->stats->n_connections++;
	return add_text(exporter, &record, record_json_connection(connection, &exporter->interval));
}

/* It stands for no connection and no bytes: nothing is to be accounted for it. */
static int local_listener(struct exporter *exporter, const struct connection *listener)
{
	struct history_record record = {.connection_id = listener->id, .state = listener->state};

	return add_text(exporter, &record, record_json_listener(listener, &exporter->interval));
}

static int local_end(struct exporter *exporter, bool is_aborted)
{
	(void)exporter;
	(void)is_aborted;
	return 0;
}

static const struct exporter_stats *local_stats(const struct exporter *exporter)
{
	static const struct history_stats none;
	const struct history_stats *history =
		exporter->history ? history_get_stats(exporter->history) : &none;

	exporter->stats->n_delivered = history->n_stored;
	exporter->stats->n_dropped = exporter->n_dropped_here + history->n_dropped;
	exporter->stats->n_errors = history->n_errors;
	return exporter->stats;
}

const struct exporter_class local_exporter = {
	.name = "local",
	.new = local_new,
	.free = local_free,
	.begin = local_begin,
	.connection = local_connection,
	.listener = local_listener,
	.overflow = local_overflow,
	.end = local_end,
	.stats = local_stats,
	.attach_history = local_attach_history,
};
