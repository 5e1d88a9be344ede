/* SPDX-License-Identifier: Apache-2.0 */
/* Is this clock right? */
#include "diagnose.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>

#include "cleanup.h"
#include "settings.h"
#include "sntp.h"

#define PORT "123"
#define TIMEOUT_MS 2000
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define WARN_NS NS_PER_S
#define FAIL_NS (60 * NS_PER_S)

static int64_t now_unix_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail on Linux */
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* "HOST" or "HOST:PORT"; an IPv6 address has no port here. 0 or negative errno. */
static int open_socket(const char *server, int *ret_fd)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
	CLEANUP_FREE char *host = strdup(server);
	char *port = host ? strrchr(host, ':') : NULL;
	int fd, r;

	if (!host)
		return -ENOMEM;
	if (port && strchr(host, ':') == port)
		*port++ = '\0';
	else
		port = NULL;
	if (getaddrinfo(host, port ? port : PORT, &hints, &found))
		return -EHOSTUNREACH;
	fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0 ? -errno : 0;
	freeaddrinfo(found);
	if (r < 0 && fd >= 0)
		(void)close(fd); /* nothing was written */
	*ret_fd = r < 0 ? -1 : fd;
	return r;
}

static int measure(const char *server, int64_t *ret_offset_ns)
{
	uint8_t packet[SNTP_PACKET_BYTES];
	CLEANUP_CLOSE int fd = -1;
	struct pollfd wait = {.events = POLLIN};
	int64_t sent_ns;
	uint64_t nonce;
	ssize_t n;
	int r = open_socket(server, &fd);

	if (r < 0)
		return r;
	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return -errno;
	sntp_encode(nonce, packet);
	sent_ns = now_unix_ns();
	if (send(fd, packet, sizeof(packet), 0) < 0)
		return -errno;
	wait.fd = fd;
	if (poll(&wait, 1, TIMEOUT_MS) <= 0)
		return -ETIMEDOUT;
	n = recv(fd, packet, sizeof(packet), 0);
	if (n < 0)
		return -errno;
	return sntp_decode(packet, (size_t)n, nonce, sent_ns, now_unix_ns(), ret_offset_ns);
}

/* What keeps the clock right says so to the kernel: adjtimex(2). */
static bool is_kept(void)
{
	struct timex state = {0};

	return adjtimex(&state) != TIME_ERROR && !(state.status & STA_UNSYNC);
}

static void tell_unmeasured(const char *why, struct diagnose_finding *ret)
{
	if (is_kept())
		diagnose_pass(ret, "%s; a time service keeps it right, says the kernel", why);
	else
		diagnose_warn(ret, "%s, and no time service keeps it right, says the kernel\nstart "
				   "chronyd or systemd-timesyncd, or set sysprobe.ntp_server to a "
				   "server that can be reached", why);
}

void check_clock(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	const char *server = diagnosis->settings->ntp_server;
	char why[DIAGNOSE_TEXT_BYTES];
	int64_t offset_ns = 0;
	double seconds;
	int r = *server ? measure(server, &offset_ns) : 0;

	if (!*server || r < 0) {
		if (*server) /* cut: for the eye */
			(void)snprintf(why, sizeof(why), "no time from %s: %s", server, strerror(-r));
		else
			(void)snprintf(why, sizeof(why), "not compared: sysprobe.ntp_server is empty");
		tell_unmeasured(why, ret);
		return;
	}
	seconds = (double)offset_ns / 1e9;
	if (llabs(offset_ns) >= FAIL_NS)
		diagnose_fail(ret, "%.1f s from %s: times upstream are wrong\nset the clock, and start "
				   "chronyd or systemd-timesyncd", seconds, server);
	else if (llabs(offset_ns) >= WARN_NS)
		diagnose_warn(ret, "%.1f s from %s\nstart chronyd or systemd-timesyncd", seconds,
			      server);
	else
		diagnose_pass(ret, "within %lld ms of %s",
			      (long long)(llabs(offset_ns) / NS_PER_MS + 1), server);
}
