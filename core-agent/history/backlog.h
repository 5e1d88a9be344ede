/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Records on their way into the database: a bounded queue of bytes that keeps
 * them when the database cannot take them. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "connection.h"

/* One JSON line and what it accounts for, so that a dropped one can be counted. */
struct history_record {
	uint64_t time_unix_ns;
	uint64_t connection_id; /* 0: not about one connection */
	uint64_t n_connections; /* that it stands for */
	struct connection_counters counters; /* of the interval */
	int state; /* enum connection_state, or 0 */
	char probe_instance[33];
	size_t json_size;
	const char *json; /* not NUL-terminated */
};

struct backlog;

/* Memory grows up to `max_bytes` and is given back when empty. NULL: out of memory. */
struct backlog *backlog_new(size_t max_bytes);
void backlog_free(struct backlog *backlog);

/* Append a copy. 0, -ENOSPC or -ENOMEM. */
int backlog_add(struct backlog *backlog, const struct history_record *record);

/* The oldest record, borrowed until the next add or clear; -ENOENT when there is none. */
int backlog_first(const struct backlog *backlog, struct history_record *ret);

/* The record after one got from first() or next(); -ENOENT at the end. */
int backlog_next(const struct backlog *backlog, struct history_record *record);

void backlog_clear(struct backlog *backlog);
