/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A temporary folder that stands for /proc and what is beside it. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct tree {
	char root[64];
	char procfs[80]; /* root/proc */
};

static inline int tree_remove_one(const char *path, const struct stat *status, int type,
				  struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void tree_remove(const char *path)
{
	(void)nftw(path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void tree_make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static inline void tree_path(const struct tree *tree, const char *name, char ret[PATH_MAX])
{
	assert_true(snprintf(ret, PATH_MAX, "%s/%s", tree->root, name) < PATH_MAX);
}

static inline void tree_write(const struct tree *tree, const char *name, const char *bytes,
			      size_t size)
{
	char path[PATH_MAX];
	FILE *file;

	tree_path(tree, name, path);
	tree_make_folders(path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline void tree_write_text(const struct tree *tree, const char *name, const char *text)
{
	tree_write(tree, name, text, strlen(text));
}

/* What a process shows; NULL and 0: that file is missing. */
struct tree_process {
	uint32_t pid;
	uint32_t parent;
	uint64_t start_ticks;
	uint32_t uid;
	const char *comm;
	const char *executable;
	const char *command_line;
	size_t command_line_size;
	const char *cgroup;
};

static inline void tree_remove_process(const struct tree *tree, uint32_t pid)
{
	char name[64], path[PATH_MAX];

	(void)snprintf(name, sizeof(name), "proc/%u", pid);
	tree_path(tree, name, path);
	tree_remove(path);
}

static inline void tree_add_process(const struct tree *tree, const struct tree_process *process)
{
	char name[64], text[512], path[PATH_MAX];

	tree_remove_process(tree, process->pid);
	(void)snprintf(name, sizeof(name), "proc/%u/stat", process->pid);
	(void)snprintf(text, sizeof(text),
		       "%u (%s) S %u 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %" PRIu64
		       " 12000 300 18446744073709551615 1 1 0 0\n",
		       process->pid, process->comm, process->parent, process->start_ticks);
	tree_write_text(tree, name, text);
	(void)snprintf(name, sizeof(name), "proc/%u/status", process->pid);
	(void)snprintf(text, sizeof(text), "Name:\t%s\nUmask:\t0022\nUid:\t%u\t0\t0\t0\n",
		       process->comm, process->uid);
	tree_write_text(tree, name, text);
	(void)snprintf(name, sizeof(name), "proc/%u/cmdline", process->pid);
	if (process->command_line)
		tree_write(tree, name, process->command_line, process->command_line_size);
	(void)snprintf(name, sizeof(name), "proc/%u/cgroup", process->pid);
	if (process->cgroup)
		tree_write_text(tree, name, process->cgroup);
	(void)snprintf(name, sizeof(name), "proc/%u/exe", process->pid);
	tree_path(tree, name, path);
	if (process->executable)
		assert_int_equal(symlink(process->executable, path), 0);
}

static inline int tree_set_up(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	(void)strcpy(tree->root, "/tmp/enrich-test-XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	(void)snprintf(tree->procfs, sizeof(tree->procfs), "%s/proc", tree->root);
	assert_int_equal(mkdir(tree->procfs, 0700), 0);
	*state = tree;
	return 0;
}

static inline int tree_tear_down(void **state)
{
	struct tree *tree = *state;

	tree_remove(tree->root);
	free(tree);
	return 0;
}
