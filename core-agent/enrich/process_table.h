/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Processes by (tgid, start time), from two sources: the probe, which reports
 * each start and end, and /proc, which only shows what is alive now. A start that
 * the table has rounded down to a tick is the same as the exact one.
 *
 * A reported process that lives is never forgotten. An ended one goes some time
 * after its end, one that is known from /proc only some time after its last
 * use; both go earlier, oldest first, when room is needed.
 *
 * Strings that have been handed out outlive everything that happens to their
 * process until process_table_tick().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container_id.h"
#include "process_strings.h"
#include "service.h"
#include "sysprobe.pb-c.h"

/* Read only for all but the table. */
struct process {
	uint32_t tgid;
	uint32_t parent_tgid; /* 0: unknown */
	uint64_t start_ns;    /* CLOCK_BOOTTIME */
	uint64_t end_ns;      /* 0: alive */
	uint64_t cgroup_id;   /* 0: unknown */
	uint32_t uid;
	bool has_uid;
	bool is_reported;           /* by the probe, which will also report its end */
	bool is_command_line_cut;
	bool is_procfs_read;        /* /proc has nothing to add until it execs again */
	bool is_container_resolved; /* by process_table_set_container() */
	const char *container_runtime; /* static; NULL: unknown */
	enum service_source service_source; /* of PROCESS_SERVICE */
	char *strings[PROCESS_N_STRINGS]; /* NULL: unknown */
};

struct process_table;

/* NULL: out of memory. `max_processes` is at least 1. */
struct process_table *process_table_new(size_t max_processes);
void process_table_free(struct process_table *table);

/*
 * A record of the probe. EXEC replaces executable, command line, comm and what the
 * environment says; ALIVE replaces what it knows; EXIT sets the end and adds only what
 * is unknown, and if it says that the process only forked, executable, command line
 * and environment are its parent's. The number of a living process given to a younger
 * one ends the older.
 * 0, -EINVAL (no tgid or no start_ns), -ENOMEM, or -ENOSPC (full of living
 * processes, or of strings that are handed out). On -ENOMEM and -ENOSPC a known
 * process keeps its names, and a new one is not added or has none.
 */
int process_table_record(struct process_table *table, const Sysprobe__V1__Process *record);

/*
 * The same form of record filled from /proc. For a reported process it adds what
 * is unknown, a cut command line or a relative executable; others it describes
 * anew. An unreadable executable is the parent's if both have the same comm.
 * One that never called exec has its parent's environment, unless that was given to it
 * for want of its own. Sets is_procfs_read. Errors as above.
 */
struct process_observation {
	bool has_uid;	  /* record->uid is known */
	bool is_forked_only; /* never called exec */
};
int process_table_observe(struct process_table *table, const Sysprobe__V1__Process *record,
			  struct process_observation observation);

/* Replaces container fields and unit, and sets is_container_resolved. 0, -ENOMEM, -ENOSPC. */
int process_table_set_container(struct process_table *table, const struct process *process,
				const struct container_id *container);

/* NULL: none. Valid until the next call that adds, or a tick. */
const struct process *process_table_find(const struct process_table *table, uint32_t tgid,
					 uint64_t start_ns);

/* The one whose start_ns is in [from_ns, to_ns), or NULL. */
const struct process *process_table_find_between(const struct process_table *table, uint32_t tgid,
						 uint64_t from_ns, uint64_t to_ns);

/*
 * Each call gives another reported, living process, the one first that has waited
 * longest; NULL: there is none. For finding those whose end went unreported.
 */
const struct process *process_table_next_living(struct process_table *table);

/* Set the end of a process, as a record would. */
void process_table_end(struct process_table *table, const struct process *process,
		       uint64_t end_ns);

/* Keep the strings that `process` has now until the next tick. */
void process_table_hand_out(struct process_table *table, const struct process *process);

/* Forget what ended, or was last used, more than `keep_ns` before `now_ns`. */
void process_table_tick(struct process_table *table, uint64_t now_ns, uint64_t keep_ns);

size_t process_table_n_processes(const struct process_table *table);
