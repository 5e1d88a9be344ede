/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether the process at the other end of the Unix socket `fd` is root, runs as
 * `owner`, or has `group` as its own or a supplementary group; (uid_t)-1 and
 * (gid_t)-1 match nobody. False when the kernel does not say (SO_PEERCRED,
 * SO_PEERGROUPS; unix(7)).
 */
bool peer_is_allowed(int fd, uid_t owner, gid_t group);
