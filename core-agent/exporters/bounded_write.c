/* SPDX-License-Identifier: Apache-2.0 */
#include "bounded_write.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

#define BOUND_US 10000

/* That it comes is all: it ends a write(2) that sleeps. */
static void on_alarm(int signal)
{
	(void)signal;
}

/* It stays: an alarm may come late, to another thread, and would end the process. */
static int catch_alarm(void)
{
	const struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */

	return sigaction(SIGALRM, &action, NULL);
}

ssize_t bounded_write(int fd, const void *bytes, size_t size)
{
	/* More than one, as the first may come before write(2) sleeps. */
	const struct itimerval bound = {{.tv_usec = BOUND_US}, {.tv_usec = BOUND_US}};
	const struct itimerval none = {{0}, {0}};
	ssize_t n;
	int error;

	if (catch_alarm() < 0 || setitimer(ITIMER_REAL, &bound, NULL) < 0)
		return -1;
	n = write(fd, bytes, size);
	error = errno;
	(void)setitimer(ITIMER_REAL, &none, NULL); /* cannot fail: it did not before */
	errno = error;
	return n;
}
