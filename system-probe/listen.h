/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/*
 * Listen on the Unix socket `path` with mode 0660 and, unless it is (gid_t)-1,
 * group `group`. A socket that nobody answers on is replaced. A descriptor, or
 * after one log line with the remedy: -EADDRINUSE (somebody answers there),
 * -ENOTSOCK (the path is something else), -ENAMETOOLONG, -ENOENT (no folder), or
 * another negative errno.
 */
int listen_unix(const char *path, gid_t group);
