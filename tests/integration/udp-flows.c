/* SPDX-License-Identifier: Apache-2.0 */

/*
 * udp-flows N [PORTS]: send one datagram of 10 bytes to each of N different
 * remotes, 127.0.0.1 upwards times PORTS ports (default 1), from one socket.
 * Nobody listens there. Prints how many were sent and in how many microseconds.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define PAYLOAD_BYTES 10
#define FIRST_PORT 20000

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1000, n_ports = argc > 2 ? atol(argv[2]) : 1;
	long n_sent = 0, started_us;
	static const char payload[PAYLOAD_BYTES];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		err(1, "socket");
	started_us = now_us();
	for (long i = 0; i < n; i++) {
		struct sockaddr_in to = {
			.sin_family = AF_INET,
			.sin_port = htons((uint16_t)(FIRST_PORT + i % n_ports)),
			.sin_addr.s_addr = htonl((uint32_t)(INADDR_LOOPBACK + i / n_ports)),
		};

		/* An ICMP answer to an earlier one may be reported here: send again. */
		if (sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to)) < 0 &&
		    sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			err(1, "sendto");
		n_sent++;
	}
	printf("%ld %ld\n", n_sent, now_us() - started_us);
	return 0;
}
