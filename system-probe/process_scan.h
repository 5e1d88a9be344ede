/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "process_log.h"
#include "sp_types.h"

struct process_scan_losses {
	uint64_t n_processes; /* could not be kept */
	uint64_t n_environments_cut;
	uint64_t n_environments_unreadable; /* by these rights */
};

/*
 * Put every process alive now into the table, with what only root may read of
 * it (exe and environ of /proc/PID, the latter if it is wanted). Once, at start, after
 * the hooks are attached, so that none falls between. A process that ends meanwhile is
 * passed over. 0, or negative errno when `procfs_path` cannot be listed.
 */
int process_scan(const char *procfs_path, bool has_environment, struct process_log *log,
		 struct process_scan_losses *ret_losses);

/*
 * Fields of a line of /proc/PID/stat (proc(5)). `comm` may hold spaces and
 * parentheses. 0 or -EBADMSG. Pure.
 */
struct process_stat {
	char comm[64]; /* cut to SP_COMM_SIZE - 1 by the kernel */
	uint32_t parent_tgid;
	uint64_t start_ticks; /* since boot, of sysconf(_SC_CLK_TCK) */
};
int process_stat_parse(const char *line, struct process_stat *ret_stat);

/*
 * Name and start of the process whose /proc/PID is open as `directory_fd`: fills those
 * two fields of `*ret_owner`. 0 or negative errno; -ESRCH when it is gone.
 */
int process_scan_read_owner(int directory_fd, struct sp_owner *ret_owner);

/* The process id that a name in /proc is; 0 for other names. Pure. */
uint32_t process_scan_parse_tgid(const char *name);
