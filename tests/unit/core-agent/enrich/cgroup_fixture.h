/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A temporary cgroup in the machine's own v2 hierarchy. */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#define CGROUP_DOCKER_ID "3f4e1c2b5a6978d0e1f2a3b4c5d6e7f80912a3b4c5d6e7f8091a2b3c4d5e6f70"

struct cgroup {
	char path[128];
	char container[256]; /* below it */
	uint64_t id;
};

static inline const char *cgroup_root(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs status;

	for (int i = 0; i < 2; i++)
		if (statfs(roots[i], &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC)
			return roots[i];
	return NULL;
}

/* <root>/sysprobe-test-PID/docker-<id>.scope. False: no such hierarchy or no right to. */
static inline bool cgroup_make(struct cgroup *cgroup)
{
	const char *root = cgroup_root();
	struct stat status;

	memset(cgroup, 0, sizeof(*cgroup));
	if (!root)
		return false;
	(void)snprintf(cgroup->path, sizeof(cgroup->path), "%s/sysprobe-test-%d", root, getpid());
	(void)snprintf(cgroup->container, sizeof(cgroup->container), "%s/docker-%s.scope",
		       cgroup->path, CGROUP_DOCKER_ID);
	if (mkdir(cgroup->path, 0755) < 0)
		return false;
	if (mkdir(cgroup->container, 0755) < 0 || stat(cgroup->container, &status) < 0) {
		(void)rmdir(cgroup->path);
		return false;
	}
	cgroup->id = status.st_ino;
	return true;
}

static inline bool cgroup_enter(const struct cgroup *cgroup, pid_t pid)
{
	char name[320];
	FILE *file;

	(void)snprintf(name, sizeof(name), "%s/cgroup.procs", cgroup->container);
	file = fopen(name, "we");
	if (!file)
		return false;
	(void)fprintf(file, "%d\n", pid);
	return fclose(file) == 0;
}

static inline void cgroup_remove(const struct cgroup *cgroup)
{
	if (!cgroup->id)
		return;
	/* A killed process leaves its cgroup a moment after it was waited for. */
	for (int i = 0; i < 100 && rmdir(cgroup->container) < 0; i++)
		(void)usleep(10000);
	(void)rmdir(cgroup->path);
}
