/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The cycle: one request to the probe at a time. A poll reads processes, live
 * connections and closed ones; between polls only processes and closed ones are
 * read, so that the probe's bounded logs never have to hold a whole interval.
 */

#include <stdbool.h>
#include <stdint.h>

#include "probe_problem.h"

struct event_base;
struct enricher;
struct exporters;
struct ingest;
struct poller;
struct probe_client;
struct tagging;

struct poller_settings {
	uint64_t poll_interval_ns;
	uint64_t drain_interval_ns;
	const char *socket_path; /* for log lines */
};

/* After this nothing is asked any more. */
typedef void (*poller_on_end)(void *context);

/*
 * Begins at once when the loop runs. All arguments must outlive it. `on_end` is
 * called from the loop, after poller_stop(), or when an exporter's reader has gone.
 * NULL: out of memory.
 */
struct poller *poller_new(struct event_base *base, const struct poller_settings *settings,
		      struct probe_client *client, struct ingest *ingest,
		      struct exporters *exporters, struct enricher *enricher,
		      struct tagging *tagging, poller_on_end on_end, void *context);
void poller_free(struct poller *poller);

/* Finish the request going on, end the interval, then call `on_end`. */
void poller_stop(struct poller *poller);

/* Takes effect from the next cycle on, which comes no later than it would have. */
void poller_set_intervals(struct poller *poller, uint64_t poll_interval_ns,
			  uint64_t drain_interval_ns);

struct poller_health {
	bool is_connected; /* the last cycle read all that it asked for */
	bool is_stale; /* no cycle has for much longer than one should take */
	uint64_t since_whole_ns; /* since the end of the last whole cycle, or since the start */
	enum probe_problem last_problem; /* PROBE_OK: there was none yet */
	uint64_t n_cycles; /* whole ones */
};

struct poller_health poller_get_health(const struct poller *poller);

/* How often requests failed, by enum probe_problem. */
const struct probe_problems *poller_get_problems(const struct poller *poller);
