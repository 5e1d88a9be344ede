/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The agent's memory across restarts, one SQLite file: recent records, how far
 * the probe's closed log was read, and what was reported of each connection.
 *
 * What belongs to one interval is committed as a whole, so that after a kill the
 * agent goes on exactly where the file says, and neither loses nor repeats a
 * closed connection. When the file cannot be written (disk full) the agent goes
 * on in memory: the file keeps the last whole interval, records wait in a
 * bounded backlog, and the next commit that succeeds brings the file up to date. It also
 * stores a record of what found no room in the backlog, so that at any moment the records
 * in the file add up to what its positions and baselines have passed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "backlog.h"
#include "connection.h"

struct history;

/* How far the probe's logs were handled. */
struct history_state {
	char probe_instance[33]; /* empty: never met one */
	char boot_id[33];	 /* of the kernel that it ran on; empty: unknown */
	uint64_t closed_next;	 /* where to read on in the closed log */
	uint64_t closed_handed;	 /* highest sequence number handed to the exporters */
	uint64_t polled_unix_ns; /* end of the last complete poll; 0: none */
};

struct history_stats {
	uint64_t n_stored;	 /* records committed */
	uint64_t n_evicted;	 /* oldest ones deleted to keep the bound */
	uint64_t n_dropped;	 /* neither stored nor waiting any more */
	uint64_t n_errors;	 /* failed commits */
};

typedef int (*history_on_baseline)(uint64_t id, const struct connection_counters *reported,
				   bool is_established, void *context);
typedef int (*history_on_sum)(const char *name, uint64_t n_connections,
			      const struct connection_counters *counters, void *context);

/*
 * The text of a record that stands for records that were dropped: what they add up to, with
 * time and probe instance of the last of them. Heap; NULL: out of memory.
 */
typedef char *(*history_describe_lost)(const struct history_record *lost);

/*
 * Open or create the file. 0, or with the reason and the remedy logged: -EACCES,
 * -ENOENT (no such directory), -EROFS, -ENOSPC, -EINVAL (not such a database, or
 * of a newer version), -EIO, -ENOMEM.
 */
int history_open(const char *path, int64_t max_records, struct history **ret);

/* How dropped records become one that says so; without it they are only counted. */
void history_set_describe_lost(struct history *history, history_describe_lost describe_lost);

/* Takes NULL. What was not committed is given up. */
void history_close(struct history *history);

/* 0 or negative errno; an empty database gives an all-zero state. */
int history_load_state(struct history *history, struct history_state *ret);

/* Calls for each saved entry; stops at and returns the first negative result. */
int history_load_baselines(struct history *history, history_on_baseline on_baseline,
			   void *context);
int history_load_sums(struct history *history, history_on_sum on_sum, void *context);

/*
 * For the interval going on; all of these take effect at the commit, and
 * failures show there. A record that finds the backlog full is dropped and
 * counted (-ENOSPC).
 */
int history_add_record(struct history *history, const struct history_record *record);
void history_put_baseline(struct history *history, uint64_t id,
			  const struct connection_counters *reported, bool is_established);
void history_remove_baseline(struct history *history, uint64_t id);
void history_clear_baselines(struct history *history);
void history_put_sum(struct history *history, const char *name, uint64_t n_connections,
		     const struct connection_counters *counters);
void history_clear_sums(struct history *history);

/*
 * After a failed commit the file's baselines are old: before the next one clear
 * them and put them all.
 */
bool history_is_behind(const struct history *history);

/*
 * Make the interval durable, and bring the records down to the bound. 0 or
 * negative errno, logged when it is the first in a row.
 */
int history_commit(struct history *history, const struct history_state *state);

const struct history_stats *history_get_stats(const struct history *history);

/* What the user can do about a negative errno of these functions. */
const char *history_remedy(int error);

/* Write the newest `limit` records (0: all), oldest first, one JSON text a line. 0 or
 * negative errno, logged. -EPIPE: the reader of `out` has gone, not logged. */
int history_print(const char *path, uint64_t limit, FILE *out);
