/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/socket_owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "process_scan.h"

#define LINKS_PER_PIECE 50000
#define LINK_BYTES 32 /* of "socket:[4294967295]" and more; others may be cut */

static void close_directory(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory); /* read only */
}
#define CLEANUP_CLOSEDIR __attribute__((cleanup(close_directory)))

static DIR *open_directory(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !directory)
		(void)close(fd);
	return directory;
}

struct seeker {
	const struct inode_table *sought;
	socket_owner_found *found;
	void *context;
	uint64_t n_links;
};

static bool find_owner(int process_fd, uint32_t tgid, struct sp_owner *owner)
{
	if (owner->tgid)
		return true;
	if (process_scan_read_owner(process_fd, owner) < 0)
		return false;
	owner->tgid = tgid;
	return true;
}

static void look_into_process(struct seeker *seeker, int procfs_fd, const char *name, uint32_t tgid)
{
	CLEANUP_CLOSE int process_fd = openat(procfs_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *files = process_fd < 0 ? NULL : open_directory(process_fd, "fd");
	struct sp_owner owner = { 0 };
	struct dirent *file;

	while (files && (file = readdir(files))) {
		char link[LINK_BYTES];
		ssize_t size = readlinkat(dirfd(files), file->d_name, link, sizeof(link));
		uint32_t inode = size > 0 ? inode_table_parse_link(link, (size_t)size, "socket") : 0;
		void *value = inode ? inode_table_find(seeker->sought, inode) : NULL;

		seeker->n_links++;
		if (value && find_owner(process_fd, tgid, &owner))
			seeker->found(value, &owner, seeker->context);
	}
}

/* procfs lists processes in the order of their numbers. */
int socket_owner_walk(struct socket_owner_walk *walk, const struct inode_table *sought,
		      socket_owner_found *found, void *context, bool *ret_is_whole)
{
	CLEANUP_CLOSEDIR DIR *procfs = opendir(walk->procfs_path);
	struct seeker seeker = { sought, found, context, 0 };
	struct dirent *entry;

	if (!procfs)
		return -errno;
	while (seeker.n_links < LINKS_PER_PIECE && (entry = readdir(procfs))) {
		uint32_t tgid = process_scan_parse_tgid(entry->d_name);

		if (tgid == 0 || tgid <= walk->after_tgid)
			continue;
		look_into_process(&seeker, dirfd(procfs), entry->d_name, tgid);
		walk->after_tgid = tgid;
	}
	*ret_is_whole = seeker.n_links < LINKS_PER_PIECE;
	if (*ret_is_whole)
		walk->after_tgid = 0;
	walk->n_links += seeker.n_links;
	return 0;
}
