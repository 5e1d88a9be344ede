/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "cleanup.h"

#define ROOT_INODE 1 /* of every kernfs; a mount inside a cgroup namespace shows another */

struct directory {
	uint64_t id;
	uint64_t seen_in_walk;
	struct container_id *container; /* parsed when first asked for */
	UT_hash_handle hh;
	char path[]; /* below the mount */
};

struct cgroup_paths {
	char *mounts_path;
	size_t max_directories;
	struct directory *directories;
	bool is_walk_permitted;
	struct cgroup_paths_stats stats;
};

/* One directory of the walk; its parents are on the stack below it. */
struct level {
	DIR *stream;
	size_t path_size;
};

struct walk {
	struct cgroup_paths *paths;
	struct level levels[CGROUP_PATHS_MAX_DEPTH];
	int depth; /* levels in use */
	size_t n_visited;
	char path[PATH_MAX];
};

struct cgroup_paths *cgroup_paths_new(const char *procfs_path, size_t max_directories)
{
	struct cgroup_paths *paths = calloc(1, sizeof(*paths));

	if (!paths)
		return NULL;
	paths->max_directories = max_directories;
	paths->is_walk_permitted = true;
	if (asprintf(&paths->mounts_path, "%s/self/mounts", procfs_path) < 0) {
		free(paths);
		return NULL;
	}
	return paths;
}

static void forget(struct cgroup_paths *paths, struct directory *directory)
{
	HASH_DEL(paths->directories, directory);
	free(directory->container);
	free(directory);
}

void cgroup_paths_free(struct cgroup_paths *paths)
{
	struct directory *directory, *next;

	if (!paths)
		return;
	HASH_ITER(hh, paths->directories, directory, next)
		forget(paths, directory);
	free(paths->mounts_path);
	free(paths);
}

/* A descriptor of the best mount of type cgroup2, or -ENOENT. */
static int open_hierarchy(const char *mounts_path)
{
	FILE *mounts = setmntent(mounts_path, "re");
	const struct mntent *mount;
	bool is_root = false;
	int best = -ENOENT;

	if (!mounts)
		return -ENOENT;
	while (!is_root && (mount = getmntent(mounts))) {
		struct stat status;
		int fd;

		if (strcmp(mount->mnt_type, "cgroup2") != 0)
			continue;
		fd = open(mount->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		is_root = fstat(fd, &status) == 0 && status.st_ino == ROOT_INODE;
		if (best >= 0 && !is_root) {
			(void)close(fd); /* the first of equals */
			continue;
		}
		cleanup_close(&best);
		best = fd;
	}
	(void)endmntent(mounts); /* always 1 */
	return best;
}

static struct directory *find(const struct cgroup_paths *paths, uint64_t id)
{
	struct directory *directory;

	HASH_FIND(hh, paths->directories, &id, sizeof(id), directory);
	return directory;
}

static void note(struct walk *walk, uint64_t id)
{
	struct cgroup_paths *paths = walk->paths;
	struct directory *directory = find(paths, id);
	size_t size = strlen(walk->path) + 1;

	if (!directory && HASH_COUNT(paths->directories) < paths->max_directories) {
		directory = calloc(1, sizeof(*directory) + size);
		if (directory) {
			directory->id = id;
			memcpy(directory->path, walk->path, size);
			HASH_ADD(hh, paths->directories, id, sizeof(directory->id), directory);
			if (!directory->hh.tbl) {
				free(directory);
				directory = NULL;
			}
		}
	}
	if (directory)
		directory->seen_in_walk = paths->stats.n_walks;
	else
		paths->stats.n_left_out++;
}

/* Takes over `fd`. */
static void descend(struct walk *walk, int fd, size_t path_size)
{
	DIR *stream = fdopendir(fd);

	if (!stream) {
		cleanup_close(&fd);
		return;
	}
	walk->levels[walk->depth++] = (struct level){ stream, path_size };
}

static void ascend(struct walk *walk)
{
	(void)closedir(walk->levels[--walk->depth].stream); /* was only read */
}

static void visit(struct walk *walk, const struct level *level, const struct dirent *child)
{
	size_t size = strlen(child->d_name);
	int fd;

	if (level->path_size + 1 + size >= sizeof(walk->path) ||
	    walk->n_visited >= walk->paths->max_directories) {
		walk->paths->stats.n_left_out++;
		return;
	}
	walk->n_visited++;
	walk->path[level->path_size] = '/';
	memcpy(walk->path + level->path_size + 1, child->d_name, size + 1);
	note(walk, child->d_ino);
	if (walk->depth == CGROUP_PATHS_MAX_DEPTH) {
		walk->paths->stats.n_left_out++;
		return;
	}
	fd = openat(dirfd(level->stream), child->d_name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) /* else it has just been removed */
		descend(walk, fd, level->path_size + 1 + size);
}

/* kernfs fills d_type and d_ino, so that no directory needs a stat of its own. */
static void walk_hierarchy(struct cgroup_paths *paths)
{
	int fd = open_hierarchy(paths->mounts_path);
	struct walk walk = { .paths = paths };
	struct stat status;

	if (fd < 0)
		return;
	paths->stats.n_walks++;
	if (fstat(fd, &status) == 0)
		note(&walk, status.st_ino);
	descend(&walk, fd, 0);
	while (walk.depth) {
		const struct level *level = &walk.levels[walk.depth - 1];
		const struct dirent *child = readdir(level->stream);

		if (!child)
			ascend(&walk);
		else if (child->d_type == DT_DIR && strcmp(child->d_name, ".") != 0 &&
			 strcmp(child->d_name, "..") != 0)
			visit(&walk, level, child);
	}
}

const struct container_id *cgroup_paths_get(struct cgroup_paths *paths, uint64_t cgroup_id)
{
	struct directory *directory = find(paths, cgroup_id);

	if (!directory && paths->is_walk_permitted) {
		paths->is_walk_permitted = false;
		walk_hierarchy(paths);
		directory = find(paths, cgroup_id);
	}
	if (!directory)
		return NULL;
	if (!directory->container) {
		directory->container = calloc(1, sizeof(*directory->container));
		if (directory->container)
			container_id_parse_path(directory->path, strlen(directory->path),
						directory->container);
	}
	return directory->container;
}

void cgroup_paths_tick(struct cgroup_paths *paths)
{
	struct directory *directory, *next;

	paths->is_walk_permitted = true;
	if (HASH_COUNT(paths->directories) <= paths->max_directories / 2)
		return;
	HASH_ITER(hh, paths->directories, directory, next)
		if (directory->seen_in_walk != paths->stats.n_walks)
			forget(paths, directory);
}

const struct cgroup_paths_stats *cgroup_paths_get_stats(const struct cgroup_paths *paths)
{
	return &paths->stats;
}
