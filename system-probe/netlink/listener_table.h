/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ports that are or were listened on, by namespace, and by whom: what tells the
 * server's end of a connection that was too short for a dump. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "sp_types.h"

struct listener_table;

/* NULL: out of memory. */
struct listener_table *listener_table_new(size_t max_ports);
void listener_table_free(struct listener_table *table);

/* A listener was seen; `owner` may be without a process. 0, -ENOSPC or -ENOMEM. */
int listener_table_set(struct listener_table *table, uint32_t netns, uint16_t port,
		       const struct sp_owner *owner);

/* Its owner as last known, or NULL when nobody listened there. */
const struct sp_owner *listener_table_get(const struct listener_table *table, uint32_t netns,
					  uint16_t port);

/* A namespace is gone. */
void listener_table_forget(struct listener_table *table, uint32_t netns);
