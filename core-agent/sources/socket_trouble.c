/* SPDX-License-Identifier: Apache-2.0 */
#include "socket_trouble.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/fetch.h"
#include "source_health.h"

#define GROUP_FILE "/etc/group"
#define GROUP_SIZE 64

static bool find_group(gid_t gid, char ret_name[GROUP_SIZE])
{
	FILE *file = fopen(GROUP_FILE, "re");
	struct group *entry = NULL;

	if (!file)
		return false;
	while ((entry = fgetgrent(file)) && entry->gr_gid != gid)
		;
	if (entry)
		(void)snprintf(ret_name, GROUP_SIZE, "%s", entry->gr_name); /* longer: cut */
	(void)fclose(file); /* was only read */
	return entry;
}

/* The first folder of a path that may not be entered; false: none. */
static bool find_closed_folder(const char *path, char ret_folder[PATH_MAX])
{
	for (const char *end = path; (end = strchr(end + 1, '/'));) {
		(void)snprintf(ret_folder, PATH_MAX, "%.*s", (int)(end - path), path); /* fits */
		if (access(ret_folder, X_OK) < 0)
			return true;
	}
	return false;
}

static void tell_refused(struct source_health *health, const char *path, const char *user)
{
	char group[GROUP_SIZE] = "", folder[PATH_MAX];
	struct stat status;
	bool is_seen = stat(path, &status) == 0;

	if (!is_seen && find_closed_folder(path, folder))
		source_health_failed(health, "%s: %s is closed to the user %s: setfacl -m u:%s:x %s",
				     path, folder, user, user, folder);
	else if (is_seen && status.st_uid != 0)
		source_health_failed(health, "%s is not for the user %s: setfacl -m u:%s:rw %s",
				     path, user, user, path);
	else if (is_seen && status.st_gid != 0 && (status.st_mode & S_IWGRP) &&
		 find_group(status.st_gid, group))
		source_health_failed(health,
				     "%s may be opened by the group %s only: usermod -aG %s %s, "
				     "then restart the agent", path, group, group, user);
	else
		source_health_failed(health,
				     "%s is not for the user %s: give it a group of that user",
				     path, user);
}

void socket_trouble_tell(struct source_health *health, const char *path, const char *user,
			 const struct fetch_answer *answer)
{
	switch (answer->error) {
	case -EACCES:
		tell_refused(health, path, user);
		break;
	case -ENOENT:
		source_health_failed(health, "no socket at %s: is the runtime running?", path);
		break;
	case -ECONNREFUSED:
		source_health_failed(health, "nobody answers at %s: is the runtime running?", path);
		break;
	case 0:
		source_health_failed(health, "%s: status %ld", path, answer->status);
		break;
	default:
		source_health_failed(health, "%s: %s", path, answer->problem);
	}
}
