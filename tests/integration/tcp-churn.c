/* SPDX-License-Identifier: Apache-2.0 */

/*
 * tcp-churn N [time]: open N connections over loopback one after the other as fast
 * as the machine can, send 100 bytes one way and 1,000 back, close. Prints what the
 * programs at both ends together sent and received; with `time` how many nanoseconds
 * it took instead.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_BYTES 100
#define REPLY_BYTES 1000

static long n_connections;
static int listener;

static void read_all(int fd, size_t size)
{
	char buffer[REPLY_BYTES];

	if (recv(fd, buffer, size, MSG_WAITALL) != (ssize_t)size)
		err(1, "recv");
}

static void write_all(int fd, size_t size)
{
	static const char buffer[REPLY_BYTES];

	if (write(fd, buffer, size) != (ssize_t)size)
		err(1, "write");
}

static void *serve(void *unused)
{
	for (long i = 0; i < n_connections; i++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			err(1, "accept");
		read_all(fd, REQUEST_BYTES);
		write_all(fd, REPLY_BYTES);
		close(fd);
	}
	return unused;
}

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static long now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* that clock is always there */
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	pthread_t server;
	long start_ns;

	n_connections = argc > 1 ? atol(argv[1]) : 1000;
	listener = new_socket();
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1024) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		err(1, "listen");
	start_ns = now_ns();
	if (pthread_create(&server, NULL, serve, NULL) != 0)
		errx(1, "pthread_create");
	for (long i = 0; i < n_connections; i++) {
		int fd = new_socket();

		if (connect(fd, (struct sockaddr *)&address, size) < 0)
			err(1, "connect");
		write_all(fd, REQUEST_BYTES);
		read_all(fd, REPLY_BYTES);
		close(fd);
	}
	pthread_join(server, NULL);
	if (argc > 2) {
		printf("%ld\n", now_ns() - start_ns);
		return 0;
	}
	printf("%ld %ld\n", n_connections * (REQUEST_BYTES + REPLY_BYTES),
	       n_connections * (REQUEST_BYTES + REPLY_BYTES));
	return 0;
}
