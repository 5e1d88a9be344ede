/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The network namespaces that are watched, with two sock_diag sockets inside each.
 * These keep a namespace alive: the set lets go of one that nothing else does.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mnl_socket;
struct netns_set;

struct netns {
	uint32_t inode;
	uint32_t number; /* from 1 on, never used again */
	struct mnl_socket *query;
	struct mnl_socket *ends;
	bool is_held;      /* by a process or a mount, when last looked */
	bool is_dumped;    /* at least once */
	bool is_found_late; /* not there when the probe started */
	size_t n_sockets;  /* in the last dump */
	/* TCP connections that had begun when the sockets were opened, and ended since. */
	uint64_t n_opens;
	uint64_t n_ends;
	uint64_t n_lost_seen; /* of notifications, counted already */
	uint64_t n_lost_unsettled;
	uint64_t lost_ns;     /* when some were last lost; 0: never */
};

struct netns_set_stats {
	uint64_t n_namespaces;
	uint64_t n_not_watched; /* scans that found one and could not open it, or had no room */
};

/* `procfs_path` is borrowed. NULL and errno. */
struct netns_set *netns_set_new(const char *procfs_path, size_t max_namespaces,
				int buffer_bytes);
void netns_set_free(struct netns_set *set);

/* Look for new ones; updates `is_held`. 0 or negative errno. */
int netns_set_rescan(struct netns_set *set);

/* From `*cursor` (0: the first) on; NULL at the end. */
struct netns *netns_set_next(const struct netns_set *set, size_t *cursor);

/* Close its sockets and forget it; `netns` is gone afterwards. */
void netns_set_remove(struct netns_set *set, struct netns *netns);

/*
 * Whether a socket's cookie tells it from those of all namespaces (5.4), found by making
 * two namespaces and letting them go.
 */
bool netns_set_has_global_cookies(const struct netns_set *set);

const struct netns_set_stats *netns_set_get_stats(const struct netns_set *set);
