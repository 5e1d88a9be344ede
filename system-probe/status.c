/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cleanup.h"
#include "probe.h"

#define MAX_METRICS 40

/* One number, under one name in both formats. */
struct metric {
	const char *name;
	const char *help;
	bool is_gauge;
	uint64_t value;
};

static const struct {
	const char *name;
	const char *help;
} event_texts[SP_N_EVENT_COUNTERS] = {
	[SP_EVENT_TCP_BEGUN] = { "tcp_begun",
				 "TCP connections seen to begin, or older than the probe." },
	[SP_EVENT_TCP_ENDED] = { "tcp_ended", "Of those, the ones seen to end." },
	[SP_EVENT_TCP_FREED] = { "tcp_freed", "TCP sockets of connections and listeners freed." },
	[SP_EVENT_SOCKET_STORAGE_FAILED] = { "socket_storage_failed",
					     "Sockets without storage; seen at their close." },
	[SP_EVENT_PROCESS_RING_FULL] = { "process_ring_full", "Process starts and ends lost." },
	[SP_EVENT_TCP_FAILED_LEFT_OUT] = { "tcp_failed_left_out",
					   "Failed TCP attempts left out by setting." },
	[SP_EVENT_ENVIRONMENT_CUT] = { "environment_cut",
				       "Processes whose environment was not seen whole." },
	[SP_EVENT_SOCKETS_NOT_KEPT] = { "sockets_not_kept",
					"Tier netlink: sightings of sockets beyond the table." },
	[SP_EVENT_DESTROY_OVERRUNS] = { "destroy_overruns",
					"Tier netlink: times that ends of sockets were lost." },
	[SP_EVENT_NETNS_NOT_WATCHED] = { "namespaces_not_watched",
					 "Tier netlink: failures to watch a network namespace." },
	[SP_EVENT_DIAG_ERRORS] = { "diag_errors", "Tier netlink: dumps cut short." },
};

static size_t collect_events(const struct probe *probe, struct metric *out)
{
	uint64_t counts[SP_N_EVENT_COUNTERS];

	capture_get_events(probe->capture, counts);
	counts[SP_EVENT_ENVIRONMENT_CUT] += probe->counters.n_environments_cut;
	for (int i = 0; i < SP_N_EVENT_COUNTERS; i++)
		out[i] = (struct metric){ event_texts[i].name, event_texts[i].help, false,
					  counts[i] };
	return SP_N_EVENT_COUNTERS;
}

static uint64_t cpu_us(void)
{
	struct rusage usage = { 0 };

	(void)getrusage(RUSAGE_SELF, &usage); /* cannot fail for this process */
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
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

static size_t collect(const struct probe *probe, struct metric out[MAX_METRICS])
{
	const struct probe_counters *c = &probe->counters;
	const struct process_log_stats *processes = process_log_get_stats(probe->process_log);
	const struct metric own[] = {
		{ "requests", "Requests on the socket.", false, c->n_requests },
		{ "requests_unauthorized", "Requests without the token.", false, c->n_unauthorized },
		{ "requests_refused_peers", "Requests of users who may not ask.", false,
		  c->n_refused_peers },
		{ "clients_evicted", "Idle connections to the socket that gave way to new ones.",
		  false, c->n_clients_evicted },
		{ "accept_errors", "Failures to accept a connection to the socket.", false,
		  c->n_accept_errors },
		{ "streams_cut", "Responses that did not reach their end.", false, c->n_streams_cut },
		{ "encode_errors", "Connections too large to encode.", false, c->n_encode_errors },
		{ "drain_errors", "Failures to empty a ring buffer.", false, c->n_drain_errors },
		{ "closed_taken", "Closed connections taken into the log.", false,
		  c->n_closed_taken },
		{ "closed_log_first", "Oldest number in the closed log.", true,
		  closed_log_first_sequence(probe->closed_log) },
		{ "closed_log_next", "Next number of the closed log.", true,
		  closed_log_next_sequence(probe->closed_log) },
		{ "process_events_taken", "Process starts and ends taken into the log.", false,
		  c->n_process_events_taken },
		{ "process_log_first", "Oldest number in the process log.", true,
		  process_log_first_sequence(probe->process_log) },
		{ "process_log_next", "Next number of the process log.", true,
		  process_log_next_sequence(probe->process_log) },
		{ "processes", "Living processes known.", true, processes->n_processes },
		{ "processes_not_kept", "Process starts that the table had no room for.", false,
		  c->n_processes_not_kept },
		{ "environments_unreadable", "Older processes whose environment was refused.", false,
		  c->n_environments_unreadable },
		{ "owner_passes", "Walks over all open files to name who accepted.", false,
		  c->n_owner_passes },
		{ "cpu_us", "Processor time used.", false, cpu_us() },
		{ "resident_bytes", "Memory in use.", true, resident_bytes() },
	};
	size_t n = sizeof(own) / sizeof(own[0]);

	memcpy(out, own, sizeof(own));
	return n + collect_events(probe, out + n);
}

/* Texts of ours and of strerror(): ASCII without control characters. */
static void add_string(struct evbuffer *out, const char *text)
{
	evbuffer_add(out, "\"", 1);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			evbuffer_add(out, "\\", 1);
		evbuffer_add(out, text, 1);
	}
	evbuffer_add(out, "\"", 1);
}

static void add_member(struct evbuffer *out, const char *name, const char *text)
{
	evbuffer_add_printf(out, ",\"%s\":", name);
	add_string(out, text);
}

static void add_hook(struct evbuffer *out, const struct hook *hook,
		     const struct hook_choice *choice)
{
	evbuffer_add_printf(out, "{\"hook\":\"%s\"", hook->name);
	if (choice->variant)
		add_member(out, "variant", choice->variant->name);
	else
		add_member(out, "without", hook->without);
	if (choice->variant && choice->variant->lacks)
		add_member(out, "lacks", choice->variant->lacks);
	if (choice->refused) {
		add_member(out, "refused", choice->refused->name);
		add_member(out, "refused_error", strerror(-choice->refused_error));
	}
	evbuffer_add(out, "}", 1);
}

static void add_overflow(struct evbuffer *out, const char *cause, const struct sp_overflow *sum)
{
	evbuffer_add_printf(out,
			    "\"%s\":{\"connections\":%" PRIu64 ",\"bytes_sent\":%" PRIu64
			    ",\"bytes_received\":%" PRIu64 ",\"packets_sent\":%" PRIu64
			    ",\"packets_received\":%" PRIu64 ",\"retransmits\":%" PRIu64 "}",
			    cause, (uint64_t)sum->connections, (uint64_t)sum->counters.bytes_sent,
			    (uint64_t)sum->counters.bytes_received,
			    (uint64_t)sum->counters.packets_sent,
			    (uint64_t)sum->counters.packets_received, (uint64_t)sum->retransmits);
}

static void add_overflows(const struct probe *probe, struct evbuffer *out)
{
	struct sp_overflow sums[SP_N_OVERFLOW_CAUSES];

	capture_get_overflow(probe->capture, sums);
	evbuffer_add_printf(out, ",\"overflow\":{");
	for (int i = 0; i < SP_N_OVERFLOW_CAUSES; i++) {
		evbuffer_add_printf(out, "%s", i ? "," : "");
		add_overflow(out, capture_overflow_name(i), &sums[i]);
	}
	evbuffer_add_printf(out, "}");
}

int status_write_json(struct probe *probe, struct evbuffer *out)
{
	const struct hook_choice *choices = capture_choices(probe->capture);
	struct metric metrics[MAX_METRICS];
	size_t n = collect(probe, metrics);

	evbuffer_add_printf(out, "{\"version\":\"%s\",\"tier\":\"%s\",\"started_unix_ns\":%" PRIu64,
			    SYSPROBE_VERSION, tier_name(capture_tier(probe->capture)),
			    probe->started_unix_ns);
	add_member(out, "tier_setting", settings_tier_name(probe->settings->tier));
	evbuffer_add_printf(out, ",\"hooks\":[");
	for (int i = 0; i < N_HOOKS; i++) {
		evbuffer_add_printf(out, "%s", i ? "," : "");
		add_hook(out, &hooks[i], &choices[i]);
	}
	evbuffer_add_printf(out, "],\"counters\":{");
	for (size_t i = 0; i < n; i++)
		evbuffer_add_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "", metrics[i].name,
				    metrics[i].value);
	evbuffer_add_printf(out, "}");
	add_overflows(probe, out);
	return evbuffer_add_printf(out, "}\n") < 0 ? -ENOMEM : 0;
}

static void add_prometheus_overflow(const struct probe *probe, struct evbuffer *out)
{
	struct sp_overflow sums[SP_N_OVERFLOW_CAUSES];

	capture_get_overflow(probe->capture, sums);
	evbuffer_add_printf(out, "# HELP sysprobe_overflow_bytes_total Payload that has no record, "
				 "by cause.\n# TYPE sysprobe_overflow_bytes_total counter\n");
	for (int i = 0; i < SP_N_OVERFLOW_CAUSES; i++)
		evbuffer_add_printf(out,
				    "sysprobe_overflow_bytes_total{cause=\"%s\",direction=\"sent\"} "
				    "%" PRIu64 "\n"
				    "sysprobe_overflow_bytes_total{cause=\"%s\",direction="
				    "\"received\"} %" PRIu64 "\n",
				    capture_overflow_name(i), (uint64_t)sums[i].counters.bytes_sent,
				    capture_overflow_name(i),
				    (uint64_t)sums[i].counters.bytes_received);
	evbuffer_add_printf(out, "# HELP sysprobe_overflow_connections_total Connections without a "
				 "record, by cause.\n"
				 "# TYPE sysprobe_overflow_connections_total counter\n");
	for (int i = 0; i < SP_N_OVERFLOW_CAUSES; i++)
		evbuffer_add_printf(out,
				    "sysprobe_overflow_connections_total{cause=\"%s\"} %" PRIu64
				    "\n",
				    capture_overflow_name(i), (uint64_t)sums[i].connections);
}

int status_write_prometheus(struct probe *probe, struct evbuffer *out)
{
	struct metric metrics[MAX_METRICS];
	size_t n = collect(probe, metrics);

	for (size_t i = 0; i < n; i++) {
		const char *suffix = metrics[i].is_gauge ? "" : "_total";

		evbuffer_add_printf(out,
				    "# HELP sysprobe_%s%s %s\n# TYPE sysprobe_%s%s %s\n"
				    "sysprobe_%s%s %" PRIu64 "\n",
				    metrics[i].name, suffix, metrics[i].help, metrics[i].name,
				    suffix, metrics[i].is_gauge ? "gauge" : "counter",
				    metrics[i].name, suffix, metrics[i].value);
	}
	add_prometheus_overflow(probe, out);
	return evbuffer_add_printf(out,
				   "# HELP sysprobe_info Version and capture tier.\n"
				   "# TYPE sysprobe_info gauge\n"
				   "sysprobe_info{version=\"%s\",tier=\"%s\"} 1\n",
				   SYSPROBE_VERSION, tier_name(capture_tier(probe->capture))) < 0 ?
		       -ENOMEM :
		       0;
}
