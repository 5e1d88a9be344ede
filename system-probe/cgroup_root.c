/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>

static int find_mount(char *path, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	int r = -ENOENT;

	if (!mounts)
		return -errno;
	while (r < 0 && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0 && strlen(entry->mnt_dir) < size) {
			strcpy(path, entry->mnt_dir);
			r = 0;
		}
	(void)endmntent(mounts); /* always 1 */
	return r;
}

int cgroup_root_open(const char *path)
{
	char found[PATH_MAX];
	int fd, r;

	if (path[0] == '\0') {
		r = find_mount(found, sizeof(found));
		if (r < 0)
			return r;
		path = found;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
