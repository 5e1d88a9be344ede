/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Open the root of the host's cgroup v2 hierarchy: `path`, or where the mount
 * table has the first cgroup2 when `path` is empty. A descriptor, or negative
 * errno: -ENOENT when there is none.
 */
int cgroup_root_open(const char *path);
