/* SPDX-License-Identifier: Apache-2.0 */
#include "container_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID_A "3f4e1c2b5a6978d0e1f2a3b4c5d6e7f80912a3b4c5d6e7f8091a2b3c4d5e6f70"
#define ID_B "b7c1d2e3f4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f"
#define UID_DASHED "2f5c7a1e-9b3d-4c6e-8f10-a2b4c6d8e0f1"
#define UID_UNDERSCORED "2f5c7a1e_9b3d_4c6e_8f10_a2b4c6d8e0f1"
#define UID_STATIC "2c4b1f0e9d8a7c6b5a4f3e2d1c0b9a88"
#define TASK "8c3b6f2ad4e94b0e9a1c5d7f3e2b1a60"

struct expected {
	const char *path;
	const char *id;
	const char *runtime;
	const char *pod_uid;
	const char *unit;
};

static void check(const struct expected *expected, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct container_id found;

		container_id_parse_path(expected[i].path, strlen(expected[i].path), &found);
		print_message("%s\n", expected[i].path);
		assert_string_equal(found.id, expected[i].id);
		assert_string_equal(found.runtime ? found.runtime : "", expected[i].runtime);
		assert_string_equal(found.pod_uid, expected[i].pod_uid);
		assert_string_equal(found.systemd_unit, expected[i].unit);
	}
}

#define CHECK(table) check(table, sizeof(table) / sizeof((table)[0]))

static void docker_names_containers_by_directory_or_scope(void **state)
{
	static const struct expected table[] = {
		{ "/docker/" ID_A, ID_A, "docker", "", "" },
		{ "/system.slice/docker-" ID_A ".scope", ID_A, "docker", "", "" },
		{ "/build.slice/docker-" ID_A ".scope", ID_A, "docker", "", "" },
		{ "docker-" ID_A ".scope", ID_A, "docker", "", "" },
		{ "/../../docker/" ID_A, ID_A, "docker", "", "" },
		{ "/system.slice/docker-" ID_A ".scope/init (deleted)", ID_A, "docker", "", "" },
		{ "system.slice:docker:" ID_A, ID_A, "docker", "", "" },
	};

	(void)state;
	CHECK(table);
}

static void containerd_names_containers_below_their_pod(void **state)
{
	static const struct expected table[] = {
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_UNDERSCORED
		  ".slice/cri-containerd-" ID_A ".scope",
		  ID_A, "containerd", UID_DASHED, "" },
		{ "/kubepods.slice/kubepods-pod" UID_UNDERSCORED ".slice/cri-containerd-" ID_A
		  ".scope",
		  ID_A, "containerd", UID_DASHED, "" },
		{ "/system.slice/containerd.service/kubepods-besteffort-pod" UID_UNDERSCORED
		  ".slice:cri-containerd:" ID_A,
		  ID_A, "containerd", UID_DASHED, "" },
		{ "kubepods.slice:cri-containerd:" ID_A, ID_A, "containerd", "", "" },
		{ "cri-containerd-" ID_A ".scope", ID_A, "containerd", "", "" },
		{ "/k8s.io/" ID_A, ID_A, "containerd", "", "" },
		{ "/default/" ID_A, ID_A, "containerd", "", "" },
		{ "/system.slice/nerdctl-" ID_A ".scope", ID_A, "containerd", "", "" },
	};

	(void)state;
	CHECK(table);
}

static void cgroupfs_pod_path_leaves_runtime_unknown(void **state)
{
	static const struct expected table[] = {
		{ "/kubepods/besteffort/pod" UID_DASHED "/" ID_A, ID_A, "", UID_DASHED, "" },
		{ "/kubepods/pod" UID_STATIC "/" ID_A, ID_A, "", UID_STATIC, "" },
		{ "/kubepods/burstable/pod" UID_DASHED, "", "", UID_DASHED, "" },
		{ ID_A, ID_A, "", "", "" },
		{ "/custom-parent/" ID_A, ID_A, "", "", "" },
	};

	(void)state;
	CHECK(table);
}

static void crio_monitor_is_not_a_container(void **state)
{
	static const struct expected table[] = {
		{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod"
		  UID_UNDERSCORED ".slice/crio-" ID_A ".scope",
		  ID_A, "cri-o", UID_DASHED, "" },
		{ "/kubepods/burstable/pod" UID_DASHED "/crio-" ID_A, ID_A, "cri-o", UID_DASHED,
		  "" },
		{ "/kubepods.slice/kubepods-pod" UID_UNDERSCORED ".slice/crio-conmon-" ID_A
		  ".scope",
		  "", "", UID_DASHED, "crio-conmon-" ID_A ".scope" },
	};

	(void)state;
	CHECK(table);
}

static void podman_container_is_found_above_its_payload(void **state)
{
	static const struct expected table[] = {
		{ "/machine.slice/libpod-" ID_A ".scope", ID_A, "podman", "", "" },
		{ "/machine.slice/libpod-" ID_A ".scope/container", ID_A, "podman", "", "" },
		{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_A
		  ".scope/container",
		  ID_A, "podman", "", "" },
		{ "/libpod_parent/libpod-" ID_A, ID_A, "podman", "", "" },
		{ "/libpod_parent/" ID_B "/libpod-" ID_A, ID_A, "podman", "", "" },
		{ "/machine.slice/libpod-conmon-" ID_A ".scope", "", "", "",
		  "libpod-conmon-" ID_A ".scope" },
		{ "/libpod_parent/conmon", "", "", "", "" },
	};

	(void)state;
	CHECK(table);
}

static void podman_split_cgroup_keeps_the_service_that_runs_it(void **state)
{
	static const struct expected table[] = {
		{ "/system.slice/web.service/libpod-payload-" ID_A, ID_A, "podman", "",
		  "web.service" },
	};

	(void)state;
	CHECK(table);
}

static void ecs_task_names_are_not_container_ids(void **state)
{
	static const struct expected table[] = {
		{ "/ecs/" TASK "/" ID_A, ID_A, "ecs", "", "" },
		{ "/ecs/" UID_DASHED "/" ID_A, ID_A, "ecs", "", "" },
		{ "/ecs/default/" TASK "/" ID_A, ID_A, "ecs", "", "" },
		{ "/ecs/" TASK "/" TASK "-2421896807", TASK "-2421896807", "ecs", "", "" },
		{ "/ecs/" TASK, "", "", "", "" },
		{ "/" TASK "-2421896807", "", "", "", "" },
		{ "/ecstasks.slice/ecstasks-" TASK ".slice/docker-" ID_A ".scope", ID_A, "docker",
		  "", "" },
	};

	(void)state;
	CHECK(table);
}

static void innermost_container_wins(void **state)
{
	static const struct expected table[] = {
		{ "/docker/" ID_B "/kubelet.slice/kubelet-kubepods.slice/"
		  "kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" UID_UNDERSCORED
		  ".slice/cri-containerd-" ID_A ".scope",
		  ID_A, "containerd", UID_DASHED, "" },
		{ "/docker/" ID_B "/kubelet/kubepods/besteffort/pod" UID_DASHED "/" ID_A, ID_A, "",
		  UID_DASHED, "" },
		{ "/kubepods/pod" UID_DASHED "/" ID_B "/docker/" ID_A, ID_A, "docker", UID_DASHED,
		  "" },
		{ "/docker/" ID_A "/system.slice/nginx.service", ID_A, "docker", "",
		  "nginx.service" },
		{ "/system.slice/docker-" ID_A ".scope/init.scope", ID_A, "docker", "",
		  "init.scope" },
	};

	(void)state;
	CHECK(table);
}

static void systemd_unit_is_the_innermost_one(void **state)
{
	static const struct expected table[] = {
		{ "/system.slice/nginx.service", "", "", "", "nginx.service" },
		{ "/system.slice/nginx.service/worker", "", "", "", "nginx.service" },
		{ "/init.scope", "", "", "", "init.scope" },
		{ "/user.slice/user-1000.slice/session-3.scope", "", "", "", "session-3.scope" },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-1234.scope",
		  "", "", "", "app-firefox-1234.scope" },
		{ "/system.slice/system-postgresql.slice/postgresql@15-main.service", "", "", "",
		  "postgresql@15-main.service" },
		{ "/system.slice/systemd-fsck@dev-disk-by\\x2duuid-1\\x2d2.service", "", "", "",
		  "systemd-fsck@dev-disk-by\\x2duuid-1\\x2d2.service" },
		{ "/system.slice/_cgroup.service", "", "", "", "cgroup.service" },
		{ "/system.slice/nginx.service (deleted)", "", "", "", "nginx.service" },
		{ "/system.slice/dbus.socket", "", "", "", "dbus.socket" },
		{ "/system.slice", "", "", "", "" },
		{ "/", "", "", "", "" },
		{ "", "", "", "", "" },
		{ "/.service", "", "", "", "" },
	};

	(void)state;
	CHECK(table);
}

static void malformed_ids_are_not_containers(void **state)
{
	static const struct expected table[] = {
		{ "/docker/3f4e", "", "", "", "" },
		{ "/docker/" ID_A "0", "", "", "", "" },
		{ "/docker/3F4E1C2B5A6978D0E1F2A3B4C5D6E7F80912A3B4C5D6E7F8091A2B3C4D5E6F70", "",
		  "", "", "" },
		{ "/system.slice/docker-zz.scope", "", "", "", "docker-zz.scope" },
		{ "/kubepods/podcast/pod" "2f5c7a1e.9b3d.4c6e.8f10.a2b4c6d8e0f1", "", "", "", "" },
		{ "/system.slice/" ID_A ".service", "", "", "", ID_A ".service" },
	};

	(void)state;
	CHECK(table);
}

static void unit_name_over_the_limit_is_left_out(void **state)
{
	char path[CONTAINER_UNIT_SIZE + 8 + 1];
	struct container_id found;

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path + CONTAINER_UNIT_SIZE, ".service", 9);
	container_id_parse_path(path, strlen(path), &found);
	assert_string_equal(found.systemd_unit, "");
}

static struct container_id parse_text(const char *text)
{
	struct container_id found;

	container_id_parse_text(text, strlen(text), &found);
	return found;
}

static void v1_text_of_docker_names_its_container(void **state)
{
	struct container_id found;

	(void)state;
	found = parse_text("12:pids:/docker/" ID_A "\n"
			   "11:hugetlb:/docker/" ID_A "\n"
			   "10:net_cls,net_prio:/docker/" ID_A "\n"
			   "4:cpu,cpuacct:/docker/" ID_A "\n"
			   "3:memory:/docker/" ID_A "\n"
			   "1:name=systemd:/docker/" ID_A "\n");
	assert_string_equal(found.id, ID_A);
	assert_string_equal(found.runtime, "docker");
}

static void v2_text_is_one_line(void **state)
{
	struct container_id found;

	(void)state;
	found = parse_text("0::/system.slice/docker-" ID_A ".scope\n");
	assert_string_equal(found.id, ID_A);
	found = parse_text("0::/system.slice/ssh.service");
	assert_string_equal(found.systemd_unit, "ssh.service");
}

static void hybrid_text_prefers_v2_line_when_it_names_a_container(void **state)
{
	struct container_id found;

	(void)state;
	found = parse_text("5:memory:/docker/" ID_B "\n"
			   "0::/docker/" ID_A "\n");
	assert_string_equal(found.id, ID_A);
}

static void hybrid_text_takes_container_of_v1_over_unit_of_v2(void **state)
{
	struct container_id found;

	(void)state;
	found = parse_text("9:cpu,cpuacct:/docker/" ID_A "\n"
			   "0::/system.slice/containerd.service\n");
	assert_string_equal(found.id, ID_A);
	assert_string_equal(found.systemd_unit, "");
}

static void v1_lines_are_preferred_memory_then_pids_then_cpu(void **state)
{
	struct container_id found;

	(void)state;
	found = parse_text("9:blkio:/docker/" ID_B "\n"
			   "8:cpu,cpuacct:/docker/" ID_A "\n");
	assert_string_equal(found.id, ID_A);
	found = parse_text("8:cpu,cpuacct:/docker/" ID_B "\n"
			   "7:pids:/docker/" ID_A "\n");
	assert_string_equal(found.id, ID_A);
	found = parse_text("7:pids:/docker/" ID_B "\n"
			   "6:memory:/docker/" ID_A "\n");
	assert_string_equal(found.id, ID_A);
	found = parse_text("6:cpuset:/docker/" ID_A "\n");
	assert_string_equal(found.id, ID_A);
}

static void v1_unit_is_taken_from_whichever_line_has_it(void **state)
{
	struct container_id found;

	(void)state;
	found = parse_text("6:memory:/\n5:cpuset:/\n"
			   "1:name=systemd:/user.slice/user-0.slice/session-1.scope\n0::/\n");
	assert_string_equal(found.systemd_unit, "session-1.scope");
}

static void malformed_lines_are_skipped(void **state)
{
	struct container_id found;

	(void)state;
	found = parse_text("\n:::\n0:\nx::/docker/" ID_B "\n0::docker/" ID_B "\n"
			   "3:memory:/docker/" ID_A);
	assert_string_equal(found.id, ID_A);
}

static void colon_inside_a_v2_path_belongs_to_the_path(void **state)
{
	struct container_id found;

	(void)state;
	found = parse_text("0::/kubepods-pod" UID_UNDERSCORED ".slice:cri-containerd:" ID_A "\n");
	assert_string_equal(found.id, ID_A);
	assert_string_equal(found.pod_uid, UID_DASHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_names_containers_by_directory_or_scope),
		cmocka_unit_test(containerd_names_containers_below_their_pod),
		cmocka_unit_test(cgroupfs_pod_path_leaves_runtime_unknown),
		cmocka_unit_test(crio_monitor_is_not_a_container),
		cmocka_unit_test(podman_container_is_found_above_its_payload),
		cmocka_unit_test(podman_split_cgroup_keeps_the_service_that_runs_it),
		cmocka_unit_test(ecs_task_names_are_not_container_ids),
		cmocka_unit_test(innermost_container_wins),
		cmocka_unit_test(systemd_unit_is_the_innermost_one),
		cmocka_unit_test(malformed_ids_are_not_containers),
		cmocka_unit_test(unit_name_over_the_limit_is_left_out),
		cmocka_unit_test(v1_text_of_docker_names_its_container),
		cmocka_unit_test(v2_text_is_one_line),
		cmocka_unit_test(hybrid_text_prefers_v2_line_when_it_names_a_container),
		cmocka_unit_test(hybrid_text_takes_container_of_v1_over_unit_of_v2),
		cmocka_unit_test(v1_lines_are_preferred_memory_then_pids_then_cpu),
		cmocka_unit_test(v1_unit_is_taken_from_whichever_line_has_it),
		cmocka_unit_test(malformed_lines_are_skipped),
		cmocka_unit_test(colon_inside_a_v2_path_belongs_to_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
