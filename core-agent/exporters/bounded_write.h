/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/*
 * write(2) to a descriptor that others gave us, for which poll(2) said POLLOUT: it comes
 * back within some 20 ms, with what was written by then or with EINTR. Main thread only;
 * takes SIGALRM and the timer ITIMER_REAL.
 *
 * At most PIPE_BUF bytes do not block on a pipe or a stream socket then, unless another
 * process was faster; on a terminal any number may. O_NONBLOCK would help, but belongs to
 * the open file description, which the shell and whatever else writes there share; and it
 * would stay when we are killed. A description of one's own, by /proc/self/fd, wants the
 * right to open what was given, which the agent's user often lacks.
 */
ssize_t bounded_write(int fd, const void *bytes, size_t size);
