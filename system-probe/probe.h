/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the probe holds, as the routes that serve it see it. */

#include <stdbool.h>
#include <stdint.h>

#include "capture.h"
#include "closed_log.h"
#include "process_log.h"
#include "settings.h"

#define INSTANCE_ID_BYTES 16

struct probe_counters {
	uint64_t n_requests;
	uint64_t n_unauthorized; /* no or wrong token */
	uint64_t n_refused_peers; /* by SO_PEERCRED */
	uint64_t n_clients_evicted;
	uint64_t n_accept_errors;
	uint64_t n_streams_cut;  /* clients that went away, or errors mid-stream */
	uint64_t n_encode_errors;
	uint64_t n_drain_errors;
	uint64_t n_closed_taken;
	uint64_t n_process_events_taken;
	uint64_t n_processes_not_kept; /* out of memory, or table full */
	uint64_t n_environments_cut;        /* of processes older than the probe */
	uint64_t n_environments_unreadable; /* the same */
	uint64_t n_owner_passes;
};

struct probe {
	const struct probe_settings *settings;
	struct capture *capture;
	struct closed_log *closed_log;
	struct process_log *process_log;
	struct probe_counters counters;
	uint8_t instance_id[INSTANCE_ID_BYTES];
	uint8_t boot_id[INSTANCE_ID_BYTES]; /* all zero where it cannot be read */
	uint64_t started_unix_ns;
	/* The logs have all that happened until then. */
	uint64_t drained_boottime_ns, drained_unix_ns;
	/* The last snapshot had accepted connections that only their listener is known of. */
	bool has_unnamed_workers;
	uint64_t next_owner_pass_ns; /* CLOCK_BOOTTIME */
};

/* Make the logs and the ids. 0, -ENOMEM or errno of getrandom(); deinit takes a half-made one. */
int probe_init(struct probe *probe, const struct probe_settings *settings);
void probe_deinit(struct probe *probe);

/* Load and attach, then put the processes that are alive into the log. 0 or -ENOMEM. */
int probe_start_capture(struct probe *probe);

/* Empty the rings into the logs. Before every answer, and when a ring fills up. */
void probe_drain(struct probe *probe);

/*
 * Look who holds the accepted connections, before a snapshot, where accept is not
 * hooked and one needs it; at most every second, and for 1 % of the time.
 */
void probe_find_workers(struct probe *probe);
