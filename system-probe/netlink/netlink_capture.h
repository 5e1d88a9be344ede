/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tier `netlink`: TCP and UDP sockets by sock_diag(7) in every network namespace,
 * without BPF. Needs Linux 4.4.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sp_types.h"

struct netlink_capture;
struct probe_settings;

struct netlink_capture_sink {
	void (*closed)(const struct sp_connection *connection, void *context);
	void *context;
};

/*
 * Watch what exists and find what is older than the probe. `settings` is borrowed; UDP
 * is left out where `has_udp` is false. NULL and `*ret_error`: -ENOENT (the kernel has
 * no tcp_diag), -ENOMEM, or another negative errno.
 */
struct netlink_capture *netlink_capture_start(const struct probe_settings *settings, bool has_udp,
					      const struct netlink_capture_sink *sink,
					      int *ret_error);
void netlink_capture_free(struct netlink_capture *capture);

/* Readable when a socket has ended, a mount was made or a second has passed: then drain. */
int netlink_capture_fd(const struct netlink_capture *capture);

/* Let the descriptor become readable with another as well. 0 or negative errno. */
int netlink_capture_join_fd(struct netlink_capture *capture, int fd);

/* Hand over what has ended; look for namespaces and vanished sockets when it is time. */
int netlink_capture_drain(struct netlink_capture *capture);

/*
 * Dump all sockets, so that netlink_capture_next() has them as they are now. 0, or
 * negative errno where not even those of our own namespace can be read.
 */
int netlink_capture_refresh(struct netlink_capture *capture);

/* The next live one from `*cursor` (0: the first) on; valid until a drain or refresh. */
const struct sp_connection *netlink_capture_next(const struct netlink_capture *capture,
						 size_t *cursor);

/* Capabilities (1 << CAP_X) that it needs as long as it runs, where they are held. */
uint64_t netlink_capture_capabilities(void);

/* Add to sums of the same index. */
void netlink_capture_add_overflow(const struct netlink_capture *capture,
				  struct sp_overflow sums[SP_N_OVERFLOW_CAUSES]);
void netlink_capture_add_events(const struct netlink_capture *capture,
				uint64_t counts[SP_N_EVENT_COUNTERS]);
