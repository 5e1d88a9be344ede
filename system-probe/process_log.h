/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Processes: a table of the living, so that a reader who comes late still learns
 * their names, and a numbered log of starts and ends, so that one who reads on
 * misses none however short-lived. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "encode.h"
#include "record_log.h"

struct process_log;

struct process_log_stats {
	uint64_t n_processes; /* in the table now */
	uint64_t n_table_full; /* starts that the table had no room for */
};

/* NULL: out of memory. */
struct process_log *process_log_new(size_t max_events, size_t max_processes);
void process_log_free(struct process_log *log);

/* A start: into log and table. 0, -ENOMEM, -ENOSPC (table full; the log has it), -EMSGSIZE. */
int process_log_add_exec(struct process_log *log, const struct process_record *record);

/* An end: into the log, out of the table. 0 or -EMSGSIZE. */
int process_log_add_exit(struct process_log *log, const struct process_record *record);

/* Found alive at start: into the table unless its start was seen. As add_exec. */
int process_log_add_alive(struct process_log *log, const struct process_record *record);

uint64_t process_log_first_sequence(const struct process_log *log);
uint64_t process_log_next_sequence(const struct process_log *log);

/* An encoded Process message of the log; 0 or -ENOENT. */
int process_log_get(const struct process_log *log, uint64_t sequence,
		    struct record_log_entry *ret_entry);

/*
 * The living process with the lowest tgid above `after_tgid`, as an encoded
 * Process message (EVENT_ALIVE). Its tgid, or 0 when there is none.
 */
uint32_t process_log_next_alive(const struct process_log *log, uint32_t after_tgid,
				struct record_log_entry *ret_entry);

const struct process_log_stats *process_log_get_stats(const struct process_log *log);
