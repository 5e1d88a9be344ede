/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Makes connections of what sock_diag says: dumps tell which are alive, notifications
 * which have ended; what neither announces is given up with its last counters. No
 * I/O; time and namespaces are the caller's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/diag_message.h"
#include "netlink/inode_table.h"
#include "sp_types.h"

struct diag_tracker;
struct netns;

struct diag_tracker_config {
	size_t max_sockets;
	size_t max_listening_ports;
	bool has_global_cookies; /* else only those of the first namespace are ids */
	bool collect_failed;
	/* A finished connection. */
	void (*closed)(const struct sp_connection *connection, void *context);
	/* As diag_query_has_time_wait() and diag_query_has_listener(). */
	int (*has_time_wait)(struct netns *netns, const struct diag_socket *gone, void *context);
	int (*has_listener)(struct netns *netns, const struct diag_socket *gone, void *context);
	void *context;
};

struct diag_tracker_stats {
	uint64_t n_not_kept;       /* sightings that the table had no room for */
	uint64_t n_failed_left_out;
	/* Notifications lost, less those whose connection was given up in their place. */
	struct sp_overflow lost;
	/* What a notification added to a connection that was given up before. */
	struct sp_overflow late;
	/* Connections that had ended when their namespace was found. */
	struct sp_overflow missed;
};

/* NULL: out of memory. */
struct diag_tracker *diag_tracker_new(const struct diag_tracker_config *config);
void diag_tracker_free(struct diag_tracker *tracker);

/*
 * A round of dumps: begin it, give each socket of each namespace, end it. Notifications
 * must not be given meanwhile: the kernel fills a dump ahead, so a socket in it may
 * have ended. What the first round finds is older than the probe.
 */
void diag_tracker_begin(struct diag_tracker *tracker, uint64_t now_ns);
void diag_tracker_see(struct diag_tracker *tracker, struct netns *netns,
		      const struct diag_socket *socket);
void diag_tracker_end(struct diag_tracker *tracker);

/* A notification: a TCP socket is no more. */
void diag_tracker_take_end(struct diag_tracker *tracker, struct netns *netns,
			   const struct diag_socket *socket, uint64_t now_ns);

/* So many notifications of a namespace were lost, in all. */
void diag_tracker_take_lost(struct netns *netns, uint64_t n_lost, uint64_t now_ns);

/* After its first dump and the notifications up to now: count what had ended before. */
void diag_tracker_count_missed(struct diag_tracker *tracker, struct netns *netns);

/* Once the dumps after a loss have shown what they can: count the rest. */
void diag_tracker_settle_lost(struct diag_tracker *tracker, struct netns *netns, uint64_t now_ns);

/* What is left of it has ended. */
void diag_tracker_forget(struct diag_tracker *tracker, const struct netns *netns);

/*
 * Owners: add each socket without one to `sought`, let the caller look, then say whether
 * it looked at all processes. Sockets that three whole walks do not find are left.
 */
int diag_tracker_seek_owners(struct diag_tracker *tracker, struct inode_table *sought);
void diag_tracker_set_owner(struct diag_tracker *tracker, void *sought_value,
			    const struct sp_owner *owner);
void diag_tracker_end_walk(struct diag_tracker *tracker, const struct inode_table *sought,
			   bool is_whole);

/* The next live connection or listener from `*cursor` (0: the first) on; NULL at the end. */
const struct sp_connection *diag_tracker_next(const struct diag_tracker *tracker, size_t *cursor);

const struct diag_tracker_stats *diag_tracker_get_stats(const struct diag_tracker *tracker);
