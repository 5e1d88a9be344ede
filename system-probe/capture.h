/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kernel side as the rest of the probe sees it, be it BPF or sock_diag: started
 * once, drained when asked, read for a snapshot (live_reader.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hooks.h"
#include "settings.h"
#include "sp_types.h"

struct capture;

/* Where finished records go; they are valid during the call only. */
struct capture_sink {
	void (*closed)(const struct sp_connection *connection, void *context);
	void (*process)(const struct sp_process_event *event, void *context);
	void *context;
};

/*
 * Choose, load, attach, and adopt the sockets that are older than the probe. What
 * does not load takes its feature away with one log line; with nothing loaded
 * the tier is TIER_NONE. NULL: out of memory.
 */
struct capture *capture_start(const struct probe_settings *settings,
			      const struct capture_sink *sink);
void capture_free(struct capture *capture);

enum tier capture_tier(const struct capture *capture);

/* Capabilities (1 << CAP_X) that the tier needs whatever capture_check() says. */
uint64_t capture_capabilities(const struct capture *capture);

/* Whether look-ups and snapshots work with the rights there are: 0 or negative errno. */
int capture_check(const struct capture *capture);

/* Indexed by enum hook_id, N_HOOKS long. */
const struct hook_choice *capture_choices(const struct capture *capture);

/*
 * Readable when a ring is a quarter full, or the tier netlink has something to take;
 * -1 when there is none.
 */
int capture_ring_fd(const struct capture *capture);

/* Hand everything that has ended to the sink. 0 or negative errno. */
int capture_drain(struct capture *capture);

/*
 * A new walk over live TCP connections or UDP flows; -ENOTSUP when the hook is off,
 * or negative errno. The file of the latter yields struct sp_connection.
 */
int capture_open_tcp(const struct capture *capture);
int capture_open_udp(const struct capture *capture);

/*
 * Next of a walk's TCP connections, at most SP_MAX_LIVE, valid until anybody's next
 * call. Their number, 0 at the end, or negative errno.
 */
int capture_read_tcp(struct capture *capture, int fd, const struct sp_connection **ret);

/*
 * Name the holders of TCP sockets whose owner is not known for certain, by a walk
 * over the open files of all processes. 0 or negative errno.
 */
int capture_find_owners(struct capture *capture);

/* End idle UDP flows: they go to the sink. Number of flows, or negative errno. */
int capture_expire_udp(struct capture *capture);

/* Sums over CPUs. Zero where there is no map. */
void capture_get_overflow(const struct capture *capture,
			  struct sp_overflow ret_sums[SP_N_OVERFLOW_CAUSES]);
void capture_get_events(const struct capture *capture, uint64_t ret_counts[SP_N_EVENT_COUNTERS]);

const char *capture_overflow_name(enum sp_overflow_cause cause);
