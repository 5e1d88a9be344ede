/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The sockets of the last dump, so that one whose end nobody announces is still
 * reported, and so that owners are looked up once. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sp_types.h"

struct netns;
struct socket_table;

/* Before 5.4 cookies are unique within their namespace only. */
struct socket_key {
	uint64_t cookie;
	uint64_t netns;
};

struct socket_entry {
	struct socket_key key;
	struct netns *netns;         /* borrowed */
	struct sp_connection record; /* as last seen */
	uint64_t seen_ns;
	uint32_t generation; /* of the dump it was last seen in */
	uint32_t inode;      /* of the file; 0: none yet, or none any more */
	uint8_t state;       /* enum diag_state */
	uint8_t n_walks;     /* that did not find who holds it */
	/* Without a notification it was given up as closed; kept in case one comes yet. */
	bool is_given_up;
	bool is_for_lost; /* and stands for a notification that was lost */
};

/* NULL: out of memory. */
struct socket_table *socket_table_new(size_t max_entries);
void socket_table_free(struct socket_table *table);

/* Valid until it is removed. NULL: not there. */
struct socket_entry *socket_table_find(const struct socket_table *table, struct socket_key key);

/* A zeroed entry with its key, which must not be there yet. NULL: full or out of memory. */
struct socket_entry *socket_table_add(struct socket_table *table, struct socket_key key);
void socket_table_remove(struct socket_table *table, struct socket_entry *entry);

/*
 * The next entry from `*cursor` (0: the first) on, or NULL at the end. Entries may
 * come and go between two calls; those that stay are met once.
 */
struct socket_entry *socket_table_next(const struct socket_table *table, size_t *cursor);
