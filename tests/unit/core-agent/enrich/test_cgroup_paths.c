/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_paths.h"

#include "cgroup_fixture.h"
#include "tree_fixture.h"

#define DOCKER_SCOPE "docker-" CGROUP_DOCKER_ID ".scope"

/* `tree`/cgroup takes the part of the hierarchy: inode numbers are inode numbers. */
static struct cgroup_paths *paths_in(const struct tree *tree, size_t max)
{
	struct cgroup_paths *paths = cgroup_paths_new(tree->procfs, max);
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "proc /proc proc rw 0 0\n"
		       "cgroup2 /nonexistent cgroup2 rw 0 0\n"
		       "cgroup2 %s/cgroup cgroup2 rw 0 0\n",
		       tree->root);
	tree_write_text(tree, "proc/self/mounts", text);
	assert_non_null(paths);
	return paths;
}

static uint64_t add_cgroup(const struct tree *tree, const char *name)
{
	char file[256], path[PATH_MAX];
	struct stat status;

	(void)snprintf(file, sizeof(file), "cgroup/%s/cgroup.procs", name);
	tree_write_text(tree, file, "");
	(void)snprintf(file, sizeof(file), "cgroup/%s", name);
	tree_path(tree, file, path);
	assert_int_equal(stat(path, &status), 0);
	return status.st_ino;
}

static void remove_cgroup(const struct tree *tree, const char *name)
{
	char file[256], path[PATH_MAX];

	(void)snprintf(file, sizeof(file), "cgroup/%s", name);
	tree_path(tree, file, path);
	tree_remove(path);
}

static void nested_directory_is_found_by_its_inode(void **state)
{
	uint64_t id = add_cgroup(*state, "system.slice/" DOCKER_SCOPE);
	uint64_t sibling = add_cgroup(*state, "system.slice/ssh.service");
	struct cgroup_paths *paths = paths_in(*state, 100);

	assert_non_null(cgroup_paths_get(paths, id));
	assert_string_equal(cgroup_paths_get(paths, id)->id, CGROUP_DOCKER_ID);
	assert_string_equal(cgroup_paths_get(paths, sibling)->systemd_unit, "ssh.service");
	assert_int_equal(cgroup_paths_get_stats(paths)->n_walks, 1);
	cgroup_paths_free(paths);
}

static void root_of_the_hierarchy_names_nothing(void **state)
{
	uint64_t id = add_cgroup(*state, ".");
	struct cgroup_paths *paths = paths_in(*state, 100);

	assert_non_null(cgroup_paths_get(paths, id));
	assert_string_equal(cgroup_paths_get(paths, id)->id, "");
	cgroup_paths_free(paths);
}

static void unknown_id_walks_once_until_the_tick(void **state)
{
	struct cgroup_paths *paths = paths_in(*state, 100);
	uint64_t id;

	(void)add_cgroup(*state, "a");
	assert_null(cgroup_paths_get(paths, UINT64_MAX));
	id = add_cgroup(*state, DOCKER_SCOPE);
	assert_null(cgroup_paths_get(paths, id));
	assert_int_equal(cgroup_paths_get_stats(paths)->n_walks, 1);
	cgroup_paths_tick(paths);
	assert_non_null(cgroup_paths_get(paths, id));
	cgroup_paths_free(paths);
}

static void removed_directory_stays_known_while_there_is_room(void **state)
{
	uint64_t id = add_cgroup(*state, DOCKER_SCOPE);
	struct cgroup_paths *paths = paths_in(*state, 100);

	assert_non_null(cgroup_paths_get(paths, id));
	remove_cgroup(*state, DOCKER_SCOPE);
	cgroup_paths_tick(paths);
	assert_null(cgroup_paths_get(paths, UINT64_MAX));
	cgroup_paths_tick(paths);
	assert_non_null(cgroup_paths_get(paths, id));
	cgroup_paths_free(paths);
}

static void removed_directory_is_forgotten_when_room_gets_short(void **state)
{
	uint64_t id = add_cgroup(*state, DOCKER_SCOPE);
	struct cgroup_paths *paths = paths_in(*state, 2);

	assert_non_null(cgroup_paths_get(paths, id));
	remove_cgroup(*state, DOCKER_SCOPE);
	cgroup_paths_tick(paths);
	assert_null(cgroup_paths_get(paths, UINT64_MAX));
	cgroup_paths_tick(paths);
	assert_null(cgroup_paths_get(paths, id));
	cgroup_paths_free(paths);
}

static void directories_beyond_the_maximum_are_counted(void **state)
{
	struct cgroup_paths *paths = paths_in(*state, 3);

	(void)add_cgroup(*state, "a");
	(void)add_cgroup(*state, "b");
	(void)add_cgroup(*state, "c");
	(void)add_cgroup(*state, "d");
	assert_null(cgroup_paths_get(paths, UINT64_MAX));
	/* The root and two of four have room. */
	assert_int_equal(cgroup_paths_get_stats(paths)->n_left_out, 2);
	cgroup_paths_free(paths);
}

static void directories_beyond_the_depth_are_not_entered(void **state)
{
	uint64_t last = add_cgroup(*state, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/" DOCKER_SCOPE);
	uint64_t below = add_cgroup(*state, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/" DOCKER_SCOPE
					    "/init");
	struct cgroup_paths *paths = paths_in(*state, 100);

	assert_non_null(cgroup_paths_get(paths, last));
	assert_null(cgroup_paths_get(paths, below));
	assert_int_equal(cgroup_paths_get_stats(paths)->n_left_out, 1);
	cgroup_paths_free(paths);
}

static void links_are_not_followed(void **state)
{
	struct cgroup_paths *paths = paths_in(*state, 100);
	char path[PATH_MAX];

	(void)add_cgroup(*state, "a");
	tree_path(*state, "cgroup/a/loop", path);
	assert_int_equal(symlink("..", path), 0);
	assert_null(cgroup_paths_get(paths, UINT64_MAX));
	assert_int_equal(cgroup_paths_get_stats(paths)->n_left_out, 0);
	cgroup_paths_free(paths);
}

static void machine_without_cgroup_v2_knows_nothing(void **state)
{
	const struct tree *tree = *state;
	struct cgroup_paths *paths = cgroup_paths_new(tree->procfs, 100);

	assert_null(cgroup_paths_get(paths, 1));
	tree_write_text(tree, "proc/self/mounts", "cgroup /tmp cgroup rw,memory 0 0\n");
	cgroup_paths_tick(paths);
	assert_null(cgroup_paths_get(paths, 1));
	cgroup_paths_free(paths);
}

static void real_cgroup_is_found_by_its_id(void **state)
{
	struct container_id found = { .id = "" };
	const struct container_id *container;
	struct cgroup_paths *paths;
	struct cgroup cgroup;

	(void)state;
	if (!cgroup_make(&cgroup)) {
		print_message("skipped: no cgroup v2 hierarchy to write to\n");
		skip();
	}
	paths = cgroup_paths_new("/proc", 20000);
	container = paths ? cgroup_paths_get(paths, cgroup.id) : NULL;
	if (container)
		found = *container;
	cgroup_paths_free(paths);
	cgroup_remove(&cgroup);

	assert_string_equal(found.id, CGROUP_DOCKER_ID);
	assert_string_equal(found.runtime, "docker");
	assert_int_equal(access(cgroup.path, F_OK), -1);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(nested_directory_is_found_by_its_inode),
		IN_TREE(root_of_the_hierarchy_names_nothing),
		IN_TREE(unknown_id_walks_once_until_the_tick),
		IN_TREE(removed_directory_stays_known_while_there_is_room),
		IN_TREE(removed_directory_is_forgotten_when_room_gets_short),
		IN_TREE(directories_beyond_the_maximum_are_counted),
		IN_TREE(directories_beyond_the_depth_are_not_entered),
		IN_TREE(links_are_not_followed),
		IN_TREE(machine_without_cgroup_v2_knows_nothing),
		cmocka_unit_test(real_cgroup_is_found_by_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
