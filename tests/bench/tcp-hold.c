/* SPDX-License-Identifier: Apache-2.0 */

/*
 * tcp-hold N [SECONDS]: open N connections over loopback (2 N sockets) and hold them until
 * standard input ends. Prints how many it holds and what stopped it: fewer than N where the
 * machine allows no more, a fifth of its memory is left, or SECONDS are over.
 */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FDS_FOR_OTHER_USES 32
#define CONNECTIONS_PER_ADDRESS 20000 /* below the range of ephemeral ports */
#define LEFT_FREE 5 /* one part in so many of all memory */

/* What one process of several came to. */
struct share {
	long held;
	int error; /* errno; 0: all that it was asked for */
};

/* Up to what the machine allows a process, where we may. */
static long raise_limit(void)
{
	struct rlimit limit;
	FILE *file = fopen("/proc/sys/fs/nr_open", "re");
	unsigned long most;

	if (file && fscanf(file, "%lu", &most) == 1) {
		limit.rlim_cur = limit.rlim_max = most;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* for root alone */
	}
	if (file)
		fclose(file);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "setrlimit");
	return (long)limit.rlim_cur;
}

static bool is_memory_short(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long total_kib = 0, available_kib = ULONG_MAX, value_kib;
	char name[32];

	while (file && fscanf(file, "%31s %lu %*[^\n]", name, &value_kib) == 2) {
		if (strcmp(name, "MemTotal:") == 0)
			total_kib = value_kib;
		if (strcmp(name, "MemAvailable:") == 0)
			available_kib = value_kib;
	}
	if (file)
		fclose(file);
	return available_kib < total_kib / LEFT_FREE;
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static int open_listener(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &size) < 0)
		err(1, "listen");
	return fd;
}

/* One process holds both ends of as many as its descriptors allow. */
static struct share hold(long n, unsigned int number)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number) };
	int listener = open_listener(&address);

	for (long i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		    accept(listener, NULL, NULL) < 0)
			return (struct share){ i, errno };
	}
	return (struct share){ n, 0 };
}

static void child(long n, unsigned int number, int result_fd, int release_fd)
{
	struct share share = hold(n, number);
	char byte;

	if (write(result_fd, &share, sizeof(share)) != sizeof(share))
		err(1, "write");
	if (read(release_fd, &byte, 1) < 0)
		err(1, "read");
	_exit(0);
}

/* Opens them in as many processes as it takes; returns what stopped it. */
static const char *hold_all(long wanted, time_t deadline_s, const int result[2],
			    const int release[2], long *ret_held)
{
	long per_process = (raise_limit() - FDS_FOR_OTHER_USES) / 2;

	if (per_process > CONNECTIONS_PER_ADDRESS)
		per_process = CONNECTIONS_PER_ADDRESS;
	*ret_held = 0;
	for (unsigned int number = 0; *ret_held < wanted; number++) {
		long left = wanted - *ret_held, n = left < per_process ? left : per_process;
		struct share share;
		pid_t pid;

		if (now_s() >= deadline_s)
			return "the time for it";
		if (is_memory_short())
			return "memory";
		pid = fork();
		if (pid == 0) {
			close(release[1]);
			child(n, number, result[1], release[0]);
		}
		if (pid < 0 || read(result[0], &share, sizeof(share)) != sizeof(share))
			return strerror(errno);
		*ret_held += share.held;
		if (share.error)
			return strerror(share.error);
	}
	return "the number asked for";
}

int main(int argc, char **argv)
{
	long wanted = argc > 1 ? atol(argv[1]) : 1000, held;
	time_t deadline_s = now_s() + (argc > 2 ? atol(argv[2]) : INT_MAX);
	int result[2], release[2];
	const char *limit;
	char byte;

	if (pipe(result) < 0 || pipe(release) < 0)
		err(1, "pipe");
	limit = hold_all(wanted, deadline_s, result, release, &held);
	printf("%ld %s\n", held, limit);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	close(release[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}
