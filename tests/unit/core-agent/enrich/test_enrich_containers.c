/* SPDX-License-Identifier: Apache-2.0 */
/* Containers, pods and units, by cgroups. */
#include "cgroup_fixture.h"
#include "enrich_fixture.h"

#define POD_UID "2f5c7a1e-9b3d-4c6e-8f10-a2b4c6d8e0f1"

static void pod_and_container_come_from_the_whole_cgroup_path(void **state)
{
	struct tree_process process = nginx();
	struct connection connection;

	process.cgroup = "0::/kubepods/besteffort/pod" POD_UID "/crio-" CGROUP_DOCKER_ID "\n";
	tree_add_process(((struct world *)*state)->tree, &process);
	connection = fill(*state, 7, START_NS, 0);
	assert_string_equal(connection.owner.container_id, CGROUP_DOCKER_ID);
	assert_string_equal(connection.owner.container_runtime, "cri-o");
	assert_string_equal(connection.owner.pod_uid, POD_UID);
}

static void user_of_a_container_is_a_number_unless_root(void **state)
{
	struct tree_process process = nginx();

	process.cgroup = "0::/docker/" CGROUP_DOCKER_ID "\n";
	tree_add_process(((struct world *)*state)->tree, &process);
	assert_string_equal(fill(*state, 7, START_NS, 0).owner.user, "33");
	process.pid = 8;
	process.uid = 0;
	tree_add_process(((struct world *)*state)->tree, &process);
	assert_string_equal(fill(*state, 8, START_NS, 0).owner.user, "root");
}

static void container_of_a_dead_process_comes_from_its_cgroup_name(void **state)
{
	struct record dead = short_lived;

	dead.cgroup_name = "cri-containerd-" CGROUP_DOCKER_ID ".scope";
	assert_int_equal(add(*state, dead), 0);
	assert_string_equal(fill(*state, 7, START_NS, 0).owner.container_id, CGROUP_DOCKER_ID);
}

/* Makes `name` a cgroup of the machine as `world` sees it; returns its id. */
static uint64_t make_cgroup(const struct world *world, const char *name)
{
	char text[512], path[PATH_MAX];
	struct stat status;

	(void)snprintf(text, sizeof(text), "cgroup2 %s/cgroup cgroup2 rw 0 0\n", world->tree->root);
	tree_write_text(world->tree, "proc/self/mounts", text);
	(void)snprintf(text, sizeof(text), "cgroup/%s/cgroup.procs", name);
	tree_write_text(world->tree, text, "");
	(void)snprintf(text, sizeof(text), "cgroup/%s", name);
	tree_path(world->tree, text, path);
	assert_int_equal(stat(path, &status), 0);
	return status.st_ino;
}

static void connection_without_a_process_is_named_from_its_cgroup(void **state)
{
	uint64_t id = make_cgroup(*state, "kubepods/pod" POD_UID "/" CGROUP_DOCKER_ID);
	struct connection connection = fill(*state, 7, START_NS, id);

	assert_string_equal(connection.owner.container_id, CGROUP_DOCKER_ID);
	assert_string_equal(connection.owner.pod_uid, POD_UID);
	assert_null(connection.owner.systemd_unit);
	assert_int_equal(stats_of(*state)->n_owner_unknown, 1);
	connection = fill(*state, 0, 0, id);
	assert_string_equal(connection.owner.container_id, CGROUP_DOCKER_ID);
	assert_int_equal(stats_of(*state)->n_owner_unknown, 1);
}

static void dead_process_takes_its_pod_from_the_cgroup_directory(void **state)
{
	struct record dead = short_lived;

	dead.cgroup_id = make_cgroup(*state, "kubepods/pod" POD_UID "/" CGROUP_DOCKER_ID);
	dead.cgroup_name = CGROUP_DOCKER_ID;
	assert_int_equal(add(*state, dead), 0);
	assert_string_equal(fill(*state, 7, START_NS, 0).owner.pod_uid, POD_UID);
}

/* A container in cgroup v1 alone: in v2 it is where its runtime is. */
static void cgroup_name_of_a_container_goes_before_a_cgroup_of_none(void **state)
{
	struct record dead = short_lived;
	struct connection connection;

	dead.cgroup_id = make_cgroup(*state, "system.slice/docker.service");
	dead.cgroup_name = CGROUP_DOCKER_ID;
	assert_int_equal(add(*state, dead), 0);
	connection = fill(*state, 7, START_NS, 0);
	assert_string_equal(connection.owner.container_id, CGROUP_DOCKER_ID);
	assert_null(connection.owner.systemd_unit);
}

static void cgroup_goes_before_a_name_of_no_container(void **state)
{
	struct record dead = short_lived;

	dead.cgroup_id = make_cgroup(*state, "system.slice/nginx.service/workers");
	dead.cgroup_name = "workers";
	assert_int_equal(add(*state, dead), 0);
	assert_string_equal(fill(*state, 7, START_NS, 0).owner.systemd_unit, "nginx.service");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(pod_and_container_come_from_the_whole_cgroup_path),
		IN_WORLD(user_of_a_container_is_a_number_unless_root),
		IN_WORLD(container_of_a_dead_process_comes_from_its_cgroup_name),
		IN_WORLD(connection_without_a_process_is_named_from_its_cgroup),
		IN_WORLD(dead_process_takes_its_pod_from_the_cgroup_directory),
		IN_WORLD(cgroup_name_of_a_container_goes_before_a_cgroup_of_none),
		IN_WORLD(cgroup_goes_before_a_name_of_no_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
