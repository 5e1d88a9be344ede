/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a cgroup id names, for connections whose process is gone. A cgroup v2
 * directory's inode number is its id (kernfs_node.id, include/linux/kernfs.h),
 * so a walk of the mounted hierarchy finds all that exist; no right is needed.
 */

#include <stddef.h>
#include <stdint.h>

#include "container_id.h"

#define CGROUP_PATHS_MAX_DEPTH 16

struct cgroup_paths;

struct cgroup_paths_stats {
	uint64_t n_walks;
	uint64_t n_left_out; /* directories beyond `max_directories` or the depth */
};

/*
 * The hierarchy is looked for in `procfs_path`/self/mounts at each walk, among
 * its mounts preferring one that shows the root. NULL: out of memory.
 */
struct cgroup_paths *cgroup_paths_new(const char *procfs_path, size_t max_directories);
void cgroup_paths_free(struct cgroup_paths *paths);

/*
 * NULL: no such directory, or no cgroup v2. Walks the hierarchy if `cgroup_id` is
 * unknown, once between two ticks. Removed directories stay known for a while.
 * Valid until cgroup_paths_tick().
 */
const struct container_id *cgroup_paths_get(struct cgroup_paths *paths, uint64_t cgroup_id);

/* Permits a walk again; forgets removed directories when more than half of the room is used. */
void cgroup_paths_tick(struct cgroup_paths *paths);

const struct cgroup_paths_stats *cgroup_paths_get_stats(const struct cgroup_paths *paths);
