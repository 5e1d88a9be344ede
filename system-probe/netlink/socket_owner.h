/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who holds a socket open: a walk over /proc/PID/fd, in pieces of bounded work. */

#include <stdbool.h>
#include <stdint.h>

#include "netlink/inode_table.h"
#include "sp_types.h"

struct socket_owner_walk {
	const char *procfs_path; /* borrowed */
	uint32_t after_tgid;     /* where the next piece begins */
	uint64_t n_links;        /* looked at so far, by all pieces */
};

typedef void socket_owner_found(void *value, const struct sp_owner *owner, void *context);

/*
 * One piece: look at some 50,000 open files, from where the last piece ended. For each
 * socket that is sought `found` gets the value of its row, the process with the
 * lowest number first; process, start and name are read through one descriptor, so
 * they belong together although numbers are used again. `*ret_is_whole`: the walk
 * reached the last process. 0 or negative errno when /proc cannot be listed.
 */
int socket_owner_walk(struct socket_owner_walk *walk, const struct inode_table *sought,
		      socket_owner_found *found, void *context, bool *ret_is_whole);
