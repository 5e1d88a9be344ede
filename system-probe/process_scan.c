/* SPDX-License-Identifier: Apache-2.0 */
#include "process_scan.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "cleanup.h"
#include "environment.h"

#define STAT_MAX_BYTES 1024
#define STATUS_MAX_BYTES 4096
#define CGROUP_MAX_BYTES 4096
#define ENVIRON_READ_BYTES 4096
#define ENVIRON_MAX_READS 64 /* as far as bpf/process.bpf.c gets through short variables */

struct scan {
	struct process_log *log;
	bool has_environment;
	struct process_scan_losses losses;
};

/* A file below /proc, NUL-terminated; its size, or negative errno. */
static ssize_t read_file(int directory_fd, const char *name, char *out, size_t capacity)
{
	CLEANUP_CLOSE int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, capacity - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	return n;
}

int process_stat_parse(const char *line, struct process_stat *ret_stat)
{
	const char *open = strchr(line, '(');
	const char *close = strrchr(line, ')');
	struct process_stat stat = { 0 };
	size_t size;

	if (!open || !close || close < open)
		return -EBADMSG;
	size = (size_t)(close - open - 1);
	if (size >= sizeof(stat.comm))
		return -EBADMSG;
	memcpy(stat.comm, open + 1, size);
	/* State, ppid, then 17 fields that are of no interest, then the start time. */
	if (sscanf(close + 1,
		   " %*c %" SCNu32 " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%*s %*s %" SCNu64,
		   &stat.parent_tgid, &stat.start_ticks) != 2)
		return -EBADMSG;
	*ret_stat = stat;
	return 0;
}

static uint32_t real_uid(int directory_fd)
{
	char text[STATUS_MAX_BYTES];
	const char *line;
	uint32_t uid = 0;

	if (read_file(directory_fd, "status", text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "\nUid:");
	if (line && sscanf(line + 5, "%" SCNu32, &uid) != 1)
		return 0;
	return uid;
}

/* Last component of the cgroup v2 path. */
static void read_cgroup_name(int directory_fd, char *out, size_t size)
{
	char text[CGROUP_MAX_BYTES];
	char *line, *slash;

	out[0] = '\0';
	if (read_file(directory_fd, "cgroup", text, sizeof(text)) < 0)
		return;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return;
	line += line == text ? 3 : 4;
	line[strcspn(line, "\n")] = '\0';
	slash = strrchr(line, '/');
	if (slash)
		snprintf(out, size, "%.*s", (int)size - 1, slash + 1);
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
	return ticks * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
}

int process_scan_read_owner(int directory_fd, struct sp_owner *ret_owner)
{
	char line[STAT_MAX_BYTES];
	struct process_stat stat;
	ssize_t n = read_file(directory_fd, "stat", line, sizeof(line));
	int r = n < 0 ? (int)n : process_stat_parse(line, &stat);

	if (r < 0)
		return r;
	ret_owner->process_start_ns = ticks_to_ns(stat.start_ticks);
	memset(ret_owner->comm, 0, sizeof(ret_owner->comm));
	memcpy(ret_owner->comm, stat.comm, strnlen(stat.comm, sizeof(ret_owner->comm) - 1));
	return 0;
}

static bool is_refused(int error)
{
	return error == EACCES || error == EPERM;
}

/* Goes through it in pieces: what is not kept may be of any length. */
static void read_environment(int directory_fd, struct scan *scan, struct environment_picker *picker)
{
	CLEANUP_CLOSE int fd = openat(directory_fd, "environ", O_RDONLY | O_CLOEXEC);
	char bytes[ENVIRON_READ_BYTES];
	ssize_t n = fd < 0 ? -1 : 1;

	for (int i = 0; n > 0 && i < ENVIRON_MAX_READS; i++) {
		n = read(fd, bytes, sizeof(bytes));
		if (n > 0)
			environment_pick(picker, bytes, (size_t)n);
	}
	environment_pick_end(picker);
	scan->losses.n_environments_unreadable += n < 0 && is_refused(errno);
	scan->losses.n_environments_cut += n > 0 || picker->is_cut;
}

static int add_process(int directory_fd, uint32_t tgid, struct scan *scan)
{
	struct environment_picker environment = { .size = 0 };
	char stat_line[STAT_MAX_BYTES], command_line[SP_COMMAND_LINE_SIZE + 1];
	char executable[SP_FILENAME_SIZE], cgroup_name[SP_CGROUP_NAME_SIZE];
	struct process_record record = { .tgid = tgid };
	struct process_stat stat;
	ssize_t n;

	if (read_file(directory_fd, "stat", stat_line, sizeof(stat_line)) < 0 ||
	    process_stat_parse(stat_line, &stat) < 0)
		return 0;
	record.comm = stat.comm;
	record.parent_tgid = stat.parent_tgid;
	record.start_ns = ticks_to_ns(stat.start_ticks);
	record.time_ns = record.start_ns;
	record.uid = real_uid(directory_fd);
	n = readlinkat(directory_fd, "exe", executable, sizeof(executable));
	record.executable = executable;
	record.executable_size = n > 0 ? (size_t)n : 0;
	n = read_file(directory_fd, "cmdline", command_line, sizeof(command_line));
	record.command_line = command_line;
	record.command_line_size = n > 0 ? (size_t)n : 0;
	record.is_command_line_cut = n == SP_COMMAND_LINE_SIZE;
	read_cgroup_name(directory_fd, cgroup_name, sizeof(cgroup_name));
	record.cgroup_name = cgroup_name;
	if (scan->has_environment)
		read_environment(directory_fd, scan, &environment);
	record.environment = environment.kept;
	record.environment_size = environment.size;
	return process_log_add_alive(scan->log, &record);
}

uint32_t process_scan_parse_tgid(const char *name)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)name[0]))
		return 0;
	value = strtoul(name, &end, 10);
	return *end == '\0' && value <= INT32_MAX ? (uint32_t)value : 0;
}

static int scan_one(DIR *procfs, const char *name, struct scan *scan)
{
	uint32_t tgid = process_scan_parse_tgid(name);
	CLEANUP_CLOSE int fd = -1;

	if (tgid == 0)
		return 0;
	fd = openat(dirfd(procfs), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? 0 : add_process(fd, tgid, scan);
}

int process_scan(const char *procfs_path, bool has_environment, struct process_log *log,
		 struct process_scan_losses *ret_losses)
{
	struct scan scan = { .log = log, .has_environment = has_environment };
	DIR *procfs = opendir(procfs_path);
	struct dirent *entry;

	*ret_losses = scan.losses;
	if (!procfs)
		return -errno;
	while ((entry = readdir(procfs)))
		if (scan_one(procfs, entry->d_name, &scan) < 0)
			scan.losses.n_processes++;
	(void)closedir(procfs); /* read only */
	*ret_losses = scan.losses;
	return 0;
}
