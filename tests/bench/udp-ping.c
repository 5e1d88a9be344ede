/* SPDX-License-Identifier: Apache-2.0 */

/*
 * udp-ping N [unread]: send N datagrams over loopback and receive each, one process, one
 * flow; `unread`: receive none, so that the kernel drops what the socket has no room for.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int new_socket(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &size) < 0)
		err(1, "socket");
	return fd;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 100000;
	struct sockaddr_in from, to;
	int sender = new_socket(&from), receiver = new_socket(&to);
	bool is_read = argc < 3 || strcmp(argv[2], "unread") != 0;
	char buffer[64] = "";

	if (connect(sender, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "connect");
	for (long i = 0; i < n; i++)
		if (send(sender, buffer, sizeof(buffer), 0) < 0 ||
		    (is_read && recv(receiver, buffer, sizeof(buffer), 0) < 0))
			err(1, "datagram");
	printf("%ld\n", n);
	return 0;
}
