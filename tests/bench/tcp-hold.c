/* SPDX-License-Identifier: Apache-2.0 */

/*
 * tcp-hold N: open N connections over loopback (2 N sockets) and hold them until
 * standard input ends. Prints how many it holds, which is fewer than N where the
 * machine allows no more.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS_FOR_OTHER_USES 32
#define CONNECTIONS_PER_ADDRESS 20000 /* below the range of ephemeral ports */

static long raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "setrlimit");
	return (long)limit.rlim_cur;
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
static long hold(long n, unsigned int number)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number) };
	int listener = open_listener(&address);

	for (long i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		    accept(listener, NULL, NULL) < 0)
			return i;
	}
	return n;
}

static void child(long n, unsigned int number, int result_fd, int release_fd)
{
	long held = hold(n, number);
	char byte;

	if (write(result_fd, &held, sizeof(held)) != sizeof(held))
		err(1, "write");
	if (read(release_fd, &byte, 1) < 0)
		err(1, "read");
	_exit(0);
}

int main(int argc, char **argv)
{
	long wanted = argc > 1 ? atol(argv[1]) : 1000, held = 0;
	long per_process = (raise_limit() - FDS_FOR_OTHER_USES) / 2;
	unsigned int number = 0;
	int result[2], release[2];
	char byte;

	if (per_process > CONNECTIONS_PER_ADDRESS)
		per_process = CONNECTIONS_PER_ADDRESS;
	if (pipe(result) < 0 || pipe(release) < 0)
		err(1, "pipe");
	while (held < wanted) {
		long share = wanted - held < per_process ? wanted - held : per_process, got;
		pid_t pid = fork();

		if (pid == 0) {
			close(release[1]);
			child(share, number, result[1], release[0]);
		}
		if (pid < 0 || read(result[0], &got, sizeof(got)) != sizeof(got))
			break;
		held += got;
		number++;
		if (got < share)
			break;
	}
	printf("%ld\n", held);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	close(release[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}
