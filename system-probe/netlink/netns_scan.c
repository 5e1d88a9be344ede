/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/netns_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "netlink/inode_table.h"
#include "process_scan.h"

#define LINK_BYTES 32

/* Neighbours in the list of processes are mostly in one namespace. */
static int scan_processes(const char *procfs_path, netns_scan_found *found, void *context)
{
	DIR *procfs = opendir(procfs_path);
	struct dirent *entry;
	uint32_t last = 0;

	if (!procfs)
		return -errno;
	while ((entry = readdir(procfs))) {
		char path[PATH_MAX], link[LINK_BYTES];
		ssize_t size;
		uint32_t inode;

		if (process_scan_parse_tgid(entry->d_name) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/ns/net", procfs_path, entry->d_name);
		size = readlink(path, link, sizeof(link));
		inode = size > 0 ? inode_table_parse_link(link, (size_t)size, "net") : 0;
		if (inode && inode != last)
			found(inode, path, context);
		last = inode ? inode : last;
	}
	(void)closedir(procfs); /* read only */
	return 0;
}

static int octal(const char *digits)
{
	int value = 0;

	for (int i = 0; i < 3; i++) {
		if (digits[i] < '0' || digits[i] > '7')
			return -1;
		value = value * 8 + digits[i] - '0';
	}
	return value;
}

static void unescape(const char *text, size_t text_size, char *out, int size)
{
	int n = 0;

	for (size_t i = 0; i < text_size && n < size - 1; n++) {
		int value = text[i] == '\\' && i + 3 < text_size ? octal(text + i + 1) : -1;

		out[n] = value < 0 ? text[i] : (char)value;
		i += value < 0 ? 1 : 4;
	}
	out[n] = '\0';
}

/* "ID PARENT MAJOR:MINOR net:[INODE] MOUNT_POINT OPTIONS... - nsfs nsfs rw" */
uint32_t netns_scan_parse_mount(const char *line, char *ret_mount_point, int size)
{
	int root = 0, root_end = 0, mount_point = 0, mount_point_end = 0;
	uint32_t inode;

	if (size <= 0 || sscanf(line, "%*s %*s %*s %n%*s%n %n%*s%n", &root, &root_end, &mount_point,
				&mount_point_end) == EOF ||
	    mount_point_end == 0)
		return 0;
	inode = inode_table_parse_link(line + root, (size_t)(root_end - root), "net");
	if (inode)
		unescape(line + mount_point, (size_t)(mount_point_end - mount_point), ret_mount_point,
			 size);
	return inode;
}

/* The mounts of one process, whose root is at `root`. */
static void scan_mounts(const char *mountinfo, const char *root, netns_scan_found *found,
			void *context)
{
	char path[PATH_MAX], mount_point[PATH_MAX / 2];
	CLEANUP_FCLOSE FILE *mounts = fopen(mountinfo, "re");
	CLEANUP_FREE char *line = NULL;
	size_t capacity = 0;

	while (mounts && getline(&line, &capacity, mounts) > 0) {
		uint32_t inode = netns_scan_parse_mount(line, mount_point, sizeof(mount_point));

		if (!inode)
			continue;
		snprintf(path, sizeof(path), "%s%s", root, mount_point);
		found(inode, path, context);
	}
}

/*
 * Our own, and those of process 1, which in the host's procfs are the host's. That one
 * may have rights that we lack, and then hides where its root is.
 */
static void scan_all_mounts(const char *procfs_path, netns_scan_found *found, void *context)
{
	char mountinfo[PATH_MAX], root[PATH_MAX / 2];

	scan_mounts("/proc/self/mountinfo", "", found, context);
	snprintf(mountinfo, sizeof(mountinfo), "%s/1/mountinfo", procfs_path);
	snprintf(root, sizeof(root), "%s/1/root", procfs_path);
	scan_mounts(mountinfo, root, found, context);
}

int netns_scan(const char *procfs_path, netns_scan_found *found, void *context)
{
	int r = scan_processes(procfs_path, found, context);

	scan_all_mounts(procfs_path, found, context);
	return r;
}

/* The words after "Tcp:" in the first such line name the numbers after it in the second. */
static const char *next_word(const char **text, int *ret_size)
{
	const char *word = *text + strspn(*text, " ");

	*ret_size = (int)strcspn(word, " \n");
	*text = word + *ret_size;
	return word;
}

int netns_scan_parse_opens(const char *text, uint64_t *ret_opens)
{
	const char *names = strstr(text, "\nTcp:");
	const char *values = names ? strstr(names + 1, "\nTcp:") : NULL;
	int name_size, value_size, n_found = 0;
	uint64_t opens = 0;

	if (!values)
		return -EBADMSG;
	names += strlen("\nTcp:");
	values += strlen("\nTcp:");
	for (;;) {
		const char *name = next_word(&names, &name_size);
		const char *value = next_word(&values, &value_size);

		if (name_size == 0 || value_size == 0)
			break;
		if ((name_size == 11 && strncmp(name, "ActiveOpens", 11) == 0) ||
		    (name_size == 12 && strncmp(name, "PassiveOpens", 12) == 0)) {
			opens += strtoull(value, NULL, 10);
			n_found++;
		}
	}
	if (n_found != 2)
		return -EBADMSG;
	*ret_opens = opens;
	return 0;
}
