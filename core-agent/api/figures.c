/* SPDX-License-Identifier: Apache-2.0 */
#include "figures.h"

#include "api_internal.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "enrich/enrich.h"
#include "enrich/tagger.h"
#include "exporters/exporters.h"
#include "history/history.h"
#include "pipeline/delta.h"
#include "pipeline/ingest.h"
#include "pipeline/poller.h"
#include "pipeline/probe_status.h"
#include "recent/recent.h"
#include "server/server.h"
#include "settings.h"
#include "sources/host_facts.h"
#include "sources/source_health.h"
#include "sources/sources.h"
#include "subnets.h"
#include "tagging.h"
#include "tags/tag_sets.h"

#define NS_PER_MS UINT64_C(1000000)

static void add(struct figures *figures, const char *name, const char *help, bool is_gauge,
		uint64_t value)
{
	if (figures->n < FIGURES_MAX)
		figures->rows[figures->n++] = (struct figure){
			.name = name, .help = help, .is_gauge = is_gauge, .value = value};
}

static void count(struct figures *figures, const char *name, const char *help, uint64_t value)
{
	add(figures, name, help, false, value);
}

static void gauge(struct figures *figures, const char *name, const char *help, uint64_t value)
{
	add(figures, name, help, true, value);
}

static void set_label(struct figures *figures, const char *label, const char *value)
{
	figures->rows[figures->n - 1].label = label;
	figures->rows[figures->n - 1].label_value = value;
}

/* 0 where /proc cannot be read. */
static uint64_t resident_bytes(void)
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	if (!file || fscanf(file, "%*u %llu", &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void collect_process(const struct api *api, struct figures *figures)
{
	struct rusage usage = {0};
	uint64_t cpu_us;

	(void)getrusage(RUSAGE_SELF, &usage); /* cannot fail for this process */
	cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
		 (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	gauge(figures, "uptime_ms", "Time since the start.",
	      (clock_monotonic_ns() - api->started_ns) / NS_PER_MS);
	count(figures, "cpu_us", "Processor time used.", cpu_us);
	gauge(figures, "resident_bytes", "Memory in use.", resident_bytes());
	gauge(figures, "resident_peak_bytes", "The most memory that was in use.",
	      (uint64_t)usage.ru_maxrss * 1024);
}

static void collect_probe(const struct api *api, struct figures *figures)
{
	struct poller_health health = poller_get_health(api->parts.poller);
	const struct probe_problems *problems = poller_get_problems(api->parts.poller);

	gauge(figures, "probe_up", "1: system-probe answers.",
	      health.is_connected && !health.is_stale);
	gauge(figures, "probe_last_read_ms", "Age of the last whole read.",
	      health.since_whole_ns / NS_PER_MS);
	count(figures, "probe_reads", "Whole reads of the logs.", health.n_cycles);
	for (int i = PROBE_OK + 1; i < PROBE_N_PROBLEMS; i++) {
		count(figures, "probe_problems", "Reads that failed, by reason.", problems->n[i]);
		set_label(figures, "reason", probe_problem_name((enum probe_problem)i));
	}
}

static void collect_ingest(const struct api *api, struct figures *figures)
{
	const struct ingest_stats *stats = ingest_get_stats(api->parts.ingest);
	const struct delta_stats *delta = ingest_get_delta_stats(api->parts.ingest);

	count(figures, "connections", "Records handed to the exporters.", stats->n_connections);
	count(figures, "records_invalid", "Records that make no sense.", stats->n_invalid);
	count(figures, "records_duplicate", "Closed connections read twice.", stats->n_duplicates);
	count(figures, "connections_left_out", "Open connections without room, reported at close.",
	      stats->n_left_out);
	count(figures, "closed_lost", "Closed connections that the probe's log lost unread.",
	      stats->n_closed_lost);
	count(figures, "process_events_lost", "Process events that the probe's log lost unread.",
	      stats->n_process_lost);
	count(figures, "processes_not_kept", "Processes that the table refused.",
	      stats->n_processes_not_kept);
	count(figures, "probe_restarts", "Other instances of the probe met.", stats->n_instances);
	count(figures, "listeners_left_out", "Looks at listening sockets without room.",
	      stats->n_listeners_left_out);
	count(figures, "ends_left_out", "Ends that may lack direction local for want of room.",
	      stats->n_ends_left_out);
	count(figures, "overflow_causes_full", "Losses whose cause found no room, and are not told.",
	      ingest_n_causes_full(api->parts.ingest));
	count(figures, "intervals_aborted", "Intervals that ended early.", stats->n_aborted);
	count(figures, "local_owners_left_out",
	      "Ends on this host that the records of their other ends could not be told of.",
	      stats->n_owners_left_out);
	gauge(figures, "baselines", "Open connections with a baseline.", delta->n_entries);
	count(figures, "baselines_full", "Records without room for a baseline.",
	      delta->n_table_full);
	count(figures, "totals_went_down", "Totals below the one before.", delta->n_went_down);
	count(figures, "connections_vanished", "Connections gone without a closed record.",
	      delta->n_vanished);
}

static void collect_enrich(const struct api *api, struct figures *figures)
{
	const struct enricher_stats *stats = enricher_get_stats(api->parts.enricher);

	gauge(figures, "processes", "Processes remembered.", stats->n_processes);
	count(figures, "processes_table_full", "Processes without room.", stats->n_table_full);
	count(figures, "owners_unknown", "Connections whose process no source could name.",
	      stats->n_owner_unknown);
	count(figures, "pids_reused", "Look-ups that found another process.", stats->n_pid_reused);
	count(figures, "ends_unreported", "Processes found gone without an end.",
	      stats->n_ends_unreported);
	gauge(figures, "cgroups_left_out", "Control groups beyond the bounds of the last walk.",
	      stats->n_cgroups_left_out);
}

static void collect_sources(const struct api *api, struct figures *figures)
{
	const struct sources *sources = tagging_sources(api->parts.tagging);
	const struct source_health *health;

	for (size_t i = 0; (health = sources_health(sources, i)); i++) {
		gauge(figures, "source_up", "1: the source of tags answers.",
		      health->state == SOURCE_OK);
		set_label(figures, "source", health->name);
	}
	for (size_t i = 0; (health = sources_health(sources, i)); i++) {
		count(figures, "source_failures", "Questions that it did not answer.",
		      health->n_failures);
		set_label(figures, "source", health->name);
	}
}

/* Of struct entities_stats, for each source. */
static const struct {
	const char *name, *help;
	size_t offset;
} lost[] = {
	{"entities_left_out", "Reports of entities that found no room.",
	 offsetof(struct entities_stats, n_entities_left_out)},
	{"users_refused", "Reports of a user about what somebody else has told of.",
	 offsetof(struct entities_stats, n_users_refused)},
	{"tags_left_out", "Tags beyond the maximum of an entity.",
	 offsetof(struct entities_stats, n_tags_left_out)},
	{"tags_cut", "Tags that were too long.", offsetof(struct entities_stats, n_tags_cut)},
	{"addresses_left_out", "Addresses beyond the maximum of an entity.",
	 offsetof(struct entities_stats, n_addresses_left_out)},
	{"tags_aged", "Entities whose source was silent for too long.",
	 offsetof(struct entities_stats, n_aged)},
};

static void count_lost(const struct entities *entities, struct figures *figures,
		       enum entity_source source, size_t i)
{
	const struct entities_stats *stats = entities_get_stats(entities, source);

	count(figures, lost[i].name, lost[i].help,
	      *(const uint64_t *)((const char *)stats + lost[i].offset));
	set_label(figures, "source", entity_source_name(source));
	figures->rows[figures->n - 1].is_summed = true;
}

/* Rows of one name stand together, as Prometheus wants them. */
static void collect_lost(const struct entities *entities, struct figures *figures)
{
	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++)
		for (int source = 0; source < ENTITY_N_SOURCES; source++)
			count_lost(entities, figures, (enum entity_source)source, i);
}

static void collect_tags(const struct api *api, struct figures *figures)
{
	const struct tagging *tagging = api->parts.tagging;

	gauge(figures, "entities", "Containers, pods and hosts with tags.",
	      entities_n(tagging_entities(tagging)));
	gauge(figures, "tag_sets", "Different sets of tags.",
	      tag_sets_n(tagging_sets(tagging)));
	count(figures, "tags_unknown", "Connections of a container or pod that no source knows.",
	      tagger_get_stats(tagging_tagger(tagging))->n_unknown);
	for (int i = 0; i < ENTITY_N_SOURCES; i++) {
		enum entity_source source = (enum entity_source)i;

		gauge(figures, "entities_listed", "Entities that the source lists now.",
		      entities_n_from(tagging_entities(tagging), source));
		set_label(figures, "source", entity_source_name(source));
	}
	collect_lost(tagging_entities(tagging), figures);
	gauge(figures, "subnets_left_out", "Blocks and interfaces of the cloud's without room.",
	      host_facts_subnets(tagging_host(tagging))->n_left_out);
	collect_sources(api, figures);
}

static void collect_history(const struct api *api, struct figures *figures)
{
	static const struct history_stats none;
	const struct history *history = api->parts.history;
	const struct history_stats *stats = history ? history_get_stats(history) : &none;
	struct recent_stats recent = recent_get_stats(api->parts.recent);

	gauge(figures, "history_up", "1: the history is stored.",
	      history && !history_is_behind(history));
	count(figures, "history_stored", "Records stored.", stats->n_stored);
	count(figures, "history_evicted", "Oldest records that gave way.", stats->n_evicted);
	count(figures, "history_dropped", "Records that could not be stored.", stats->n_dropped);
	count(figures, "history_errors", "Commits that failed.", stats->n_errors);
	gauge(figures, "recent_open", "Open connections that the API knows.", recent.n_open);
	gauge(figures, "recent_ended", "Ended connections that the API knows.", recent.n_ended);
	gauge(figures, "recent_texts", "Different texts among them.", recent.n_texts);
	count(figures, "recent_evicted", "Ended connections that gave way.", recent.n_evicted);
	count(figures, "recent_not_kept", "Looks at connections without room.", recent.n_not_kept);
}

enum exporter_figure { TAKEN, DELIVERED, DROPPED, ERRORS, N_EXPORTER_FIGURES };

static void collect_exporters(const struct api *api, struct figures *figures)
{
	static const char *const names[][2] = {
		[TAKEN] = {"exporter_connections", "Records that the exporter took."},
		[DELIVERED] = {"exporter_delivered", "Records known to have arrived."},
		[DROPPED] = {"exporter_dropped", "Records given up."},
		[ERRORS] = {"exporter_errors", "Attempts that failed."},
	};

	for (int which = 0; which < N_EXPORTER_FIGURES; which++) {
		const struct exporters *exporters = api->parts.exporters;

		for (size_t i = 0; exporters_name(exporters, i); i++) {
			const struct exporter_stats *stats = exporters_stats(exporters, i);
			const uint64_t values[] = {stats->n_connections, stats->n_delivered,
						   stats->n_dropped, stats->n_errors};

			count(figures, names[which][0], names[which][1], values[which]);
			set_label(figures, "exporter", exporters_name(exporters, i));
		}
	}
}

static void add_server(struct figures *figures, const struct server *server, const char *name,
		       size_t which)
{
	static const struct server_stats none;
	const struct server_stats *stats = server ? server_get_stats(server) : &none;
	const struct {
		const char *name, *help;
		uint64_t value;
	} rows[] = {
		{"server_accepted", "Connections taken.", stats->n_accepted},
		{"server_requests", "Requests answered.", stats->n_requests},
		{"server_bad_requests", "Requests refused as malformed or too large.",
		 stats->n_bad_requests},
		{"server_rate_limited", "Requests refused over the rate.", stats->n_rate_limited},
		{"server_delayed", "Handshakes put off over the rate.", stats->n_delayed},
		{"server_evicted", "Idle connections that gave way.", stats->n_evicted},
		{"server_refused", "Connections without room.", stats->n_refused},
		{"server_request_timeouts", "Requests that took too long to come.",
		 stats->n_request_timeouts},
		{"server_stalled", "Answers that nobody read in time.", stats->n_stalled},
		{"server_tls_errors", "TLS handshakes that failed.", stats->n_tls_errors},
		{"server_cut", "Answers cut short by a failure.", stats->n_cut},
	};

	if (which < sizeof(rows) / sizeof(*rows))
		count(figures, rows[which].name, rows[which].help, rows[which].value);
	else
		gauge(figures, "server_clients", "Connections now.", stats->n_clients);
	set_label(figures, "server", name);
}

static void collect_servers(const struct api *api, struct figures *figures)
{
	const size_t n_rows = 12;

	for (size_t i = 0; i < n_rows; i++) {
		add_server(figures, api->ipc, "ipc", i);
		add_server(figures, api->variables, "variables", i);
	}
	count(figures, "api_commands", "Diagnoses and flares begun.", api->commands.n_started);
	count(figures, "api_commands_refused", "Those refused, as one was being made.",
	      api->commands.n_refused);
	count(figures, "api_commands_failed", "Those that failed or took too long.",
	      api->commands.n_failed);
	count(figures, "api_unauthorized", "Requests without a token.", api->n_unauthorized);
	count(figures, "api_forbidden", "Requests with a wrong token.", api->n_forbidden);
}

void figures_collect(const struct api *api, struct figures *ret)
{
	ret->n = 0;
	collect_process(api, ret);
	collect_probe(api, ret);
	collect_ingest(api, ret);
	collect_enrich(api, ret);
	collect_tags(api, ret);
	collect_history(api, ret);
	collect_exporters(api, ret);
	collect_servers(api, ret);
}
