/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "cleanup.h"

#define NS_PER_S UINT64_C(1000000000)
#define STAT_MAX_BYTES 4096
#define STATUS_MAX_BYTES 8192
#define STAT_FIELD_PPID 4
#define STAT_FIELD_FLAGS 9
#define STAT_FIELD_START 22
#define PF_FORKNOEXEC 0x40

/* `*at` moves behind the digits. False when there are none or they overflow. */
static bool parse_decimal(const char **at, const char *end, uint64_t *ret)
{
	const char *first = *at;
	uint64_t value = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**at - '0'), &value))
			return false;
	*ret = value;
	return *at > first;
}

static const char *skip_word(const char *at, const char *end)
{
	while (at < end && *at != ' ')
		at++;
	return at < end ? at + 1 : end;
}

/* Fields `PPID` and `START` of what follows "PID (comm) ", which begins with field 3. */
static int parse_stat_fields(const char *at, const char *end, struct procfs_stat *ret)
{
	uint64_t parent = 0, flags = 0;

	for (int field = 3; field < STAT_FIELD_START; field++) {
		const char *digits = at;

		if (field == STAT_FIELD_PPID &&
		    (!parse_decimal(&digits, end, &parent) || parent > INT32_MAX))
			return -EINVAL;
		if (field == STAT_FIELD_FLAGS && !parse_decimal(&digits, end, &flags))
			return -EINVAL;
		at = skip_word(at, end);
	}
	if (!parse_decimal(&at, end, &ret->start_ticks))
		return -EINVAL;
	/* The number is whole only if something ends it. */
	if (at == end || (*at != ' ' && *at != '\n'))
		return -EINVAL;
	ret->parent_pid = (uint32_t)parent;
	ret->is_forked_only = flags & PF_FORKNOEXEC;
	return 0;
}

int procfs_parse_stat(const char *bytes, size_t size, struct procfs_stat *ret)
{
	struct procfs_stat stat = { .start_ticks = 0 };
	const char *end = bytes + size;
	const char *open = size ? memchr(bytes, '(', size) : NULL;
	const char *close = size ? memrchr(bytes, ')', size) : NULL;
	size_t comm_size;

	if (!open || !close || close < open || end - close < 2 || close[1] != ' ')
		return -EINVAL;
	comm_size = (size_t)(close - open - 1);
	if (comm_size >= sizeof(stat.comm))
		comm_size = sizeof(stat.comm) - 1;
	memcpy(stat.comm, open + 1, comm_size);
	if (parse_stat_fields(close + 2, end, &stat) < 0)
		return -EINVAL;
	*ret = stat;
	return 0;
}

int procfs_parse_uid(const char *bytes, size_t size, uint32_t *ret_uid)
{
	static const char key[] = "\nUid:\t"; /* never the first line, which is Name */
	const char *end = bytes + size;
	const char *at = size ? memmem(bytes, size, key, sizeof(key) - 1) : NULL;
	uint64_t uid;

	if (!at)
		return -EINVAL;
	at += sizeof(key) - 1;
	if (!parse_decimal(&at, end, &uid) || uid > UINT32_MAX || at == end || *at != '\t')
		return -EINVAL;
	*ret_uid = (uint32_t)uid;
	return 0;
}

size_t procfs_join_command_line(const char *bytes, size_t size, char *ret, size_t ret_size)
{
	size_t n = 0;

	while (size && (bytes[size - 1] == '\0' || bytes[size - 1] == ' '))
		size--;
	for (size_t i = 0; i < size && n < ret_size - 1; i++) {
		if (bytes[i] == '\0' && i && bytes[i - 1] == '\0')
			continue;
		ret[n++] = bytes[i];
	}
	for (size_t i = 0; i < n; i++)
		if (ret[i] == '\0')
			ret[i] = ' ';
	ret[n] = '\0';
	return n;
}

static uint64_t ticks_per_second(void)
{
	long ticks = sysconf(_SC_CLK_TCK);

	return ticks > 0 ? (uint64_t)ticks : 100; /* USER_HZ of all but one architecture */
}

uint64_t procfs_ticks_to_ns(uint64_t ticks)
{
	uint64_t hz = ticks_per_second();
	uint64_t seconds_ns;

	if (__builtin_mul_overflow(ticks / hz, NS_PER_S, &seconds_ns))
		return UINT64_MAX;
	return seconds_ns + ticks % hz * (NS_PER_S / hz);
}

uint64_t procfs_round_start(uint64_t start_ns)
{
	return start_ns - start_ns % (NS_PER_S / ticks_per_second());
}

bool procfs_is_start(uint64_t start_ns, uint64_t start_ticks)
{
	return start_ns / (NS_PER_S / ticks_per_second()) == start_ticks;
}

int procfs_open(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Up to `size` bytes of a file; the number read, or negative errno. */
static ssize_t read_file(int directory, const char *name, char *ret, size_t size)
{
	CLEANUP_CLOSE int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = 0;

	if (fd < 0)
		return -errno;
	while (n < size) {
		ssize_t got = read(fd, ret + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static int read_stat(int process, struct procfs_stat *ret)
{
	char bytes[STAT_MAX_BYTES];
	ssize_t size = read_file(process, "stat", bytes, sizeof(bytes));

	return size < 0 ? (int)size : procfs_parse_stat(bytes, (size_t)size, ret);
}

static void read_uid(int process, struct procfs_process *ret)
{
	char bytes[STATUS_MAX_BYTES];
	ssize_t size = read_file(process, "status", bytes, sizeof(bytes));

	ret->has_uid = size > 0 && procfs_parse_uid(bytes, (size_t)size, &ret->uid) == 0;
}

static void read_executable(int process, struct procfs_process *ret)
{
	static const char deleted[] = " (deleted)";
	const size_t deleted_size = sizeof(deleted) - 1;
	ssize_t got = readlinkat(process, "exe", ret->executable, sizeof(ret->executable));
	size_t size = got > 0 ? (size_t)got : 0;

	if (size == sizeof(ret->executable))
		size = 0; /* cut by readlink: not a path any more */
	if (size > deleted_size &&
	    memcmp(ret->executable + size - deleted_size, deleted, deleted_size) == 0)
		size -= deleted_size;
	ret->executable[size] = '\0';
}

static size_t read_or_nothing(int process, const char *name, char *ret, size_t size)
{
	ssize_t got = read_file(process, name, ret, size);

	return got > 0 ? (size_t)got : 0;
}

/* A descriptor of the process's directory, or negative errno. */
static int open_process(int procfs, uint32_t pid, uint64_t start_ns, struct procfs_stat *ret)
{
	char name[16];
	int process;
	int r;

	(void)snprintf(name, sizeof(name), "%u", pid); /* always fits */
	process = openat(procfs, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (process < 0)
		return -errno;
	r = read_stat(process, ret);
	if (r == 0 && start_ns && !procfs_is_start(start_ns, ret->start_ticks))
		r = -ESTALE;
	if (r == 0)
		return process;
	cleanup_close(&process);
	return r;
}

int procfs_check(int procfs, uint32_t pid, uint64_t start_ns)
{
	struct procfs_stat stat;
	CLEANUP_CLOSE int process = open_process(procfs, pid, start_ns, &stat);

	return process < 0 ? process : 0;
}

int procfs_read_process(int procfs, uint32_t pid, uint64_t start_ns, struct procfs_process *ret)
{
	CLEANUP_CLOSE int process = open_process(procfs, pid, start_ns, &ret->stat);

	if (process < 0)
		return process;
	read_uid(process, ret);
	read_executable(process, ret);
	ret->command_line_size = read_or_nothing(process, "cmdline", ret->command_line,
						 sizeof(ret->command_line));
	ret->is_command_line_cut = ret->command_line_size == sizeof(ret->command_line);
	ret->cgroup_size = read_or_nothing(process, "cgroup", ret->cgroup, sizeof(ret->cgroup));
	return 0;
}
