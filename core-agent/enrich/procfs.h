/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The few files of /proc/PID that say whose connection it is; see proc(5). The
 * parsers are pure; the readers take what fits their caps and no more.
 *
 * A process is read through a descriptor of its directory: once the process is
 * gone, look-ups below it fail (ENOENT, ESRCH), even if its number has been
 * given to another.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCFS_MAX_COMMAND_LINE_BYTES 4096
#define PROCFS_MAX_CGROUP_BYTES (16 * 1024)
#define PROCFS_COMM_SIZE 64 /* kernel workers exceed TASK_COMM_LEN (16); fs/proc/array.c */

struct procfs_stat {
	char comm[PROCFS_COMM_SIZE]; /* NUL-terminated, cut if longer */
	uint32_t parent_pid;
	bool is_forked_only;  /* PF_FORKNOEXEC (include/linux/sched.h): never called exec */
	uint64_t start_ticks; /* since boot, in 1/_SC_CLK_TCK s, rounded down */
};

/*
 * "PID (comm) state ppid ..." up to field 22. comm may itself hold spaces,
 * parentheses and newlines; the last ')' ends it. 0, or -EINVAL.
 */
int procfs_parse_stat(const char *bytes, size_t size, struct procfs_stat *ret);

/* The real user id of a status file: first number of the line "Uid:". 0, or -EINVAL. */
int procfs_parse_uid(const char *bytes, size_t size, uint32_t *ret_uid);

/*
 * Arguments that end in NULs, joined by single spaces; spaces and NULs at the end
 * are dropped, all other bytes kept. Writes at most `ret_size` bytes with the
 * NUL; `ret` may be `bytes`. Returns the length. `ret_size` is not 0.
 */
size_t procfs_join_command_line(const char *bytes, size_t size, char *ret, size_t ret_size);

uint64_t procfs_ticks_to_ns(uint64_t ticks);

/* The start as a stat file has it, in nanoseconds: rounded down. */
uint64_t procfs_round_start(uint64_t start_ns);

/*
 * Whether a process whose task_struct.start_boottime is `start_ns` has these
 * start_ticks: the kernel divides and drops the remainder (nsec_to_clock_t).
 */
bool procfs_is_start(uint64_t start_ns, uint64_t start_ticks);

/* One process; sizes are 0 and strings empty for what cannot be read. */
struct procfs_process {
	struct procfs_stat stat;
	bool has_uid;
	uint32_t uid;
	char executable[PATH_MAX]; /* without the ' (deleted)' of a replaced file */
	size_t command_line_size;
	char command_line[PROCFS_MAX_COMMAND_LINE_BYTES]; /* as in the file */
	bool is_command_line_cut;
	size_t cgroup_size;
	char cgroup[PROCFS_MAX_CGROUP_BYTES];
};

/* A descriptor for procfs_read_process(), or negative errno. */
int procfs_open(const char *path);

/*
 * 0: the process that started at `start_ns` (as for procfs_is_start(); 0: any) is
 * there. -ENOENT or -ESRCH (gone, or hidden by hidepid), -ESTALE (another process
 * has the number), or what open and read of its stat file give.
 */
int procfs_check(int procfs, uint32_t pid, uint64_t start_ns);

/*
 * Errors as procfs_check(); `ret` is then not to be used. The other files may be unreadable (exe of
 * another user's process is) without an error.
 */
int procfs_read_process(int procfs, uint32_t pid, uint64_t start_ns, struct procfs_process *ret);
