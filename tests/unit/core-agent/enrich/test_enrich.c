/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich/enrich.h"

#include "cgroup_fixture.h"
#include "process_fixture.h"
#include "tree_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "procfs.h"

#define MAX_PROCESSES 4
#define KEEP_NS UINT64_C(60000000000)
#define BOOT_TO_UNIX_NS INT64_C(1700000000000000000)
#define START_TICKS 8150
#define START_NS UINT64_C(81500000123) /* within that tick, at 100 in a second */
#define POD_UID "2f5c7a1e-9b3d-4c6e-8f10-a2b4c6d8e0f1"

/* An enricher over a /proc of its own. */
struct world {
	struct tree *tree;
	struct enricher *enricher;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_int_equal(tree_set_up((void **)&world->tree), 0);
	tree_write_text(world->tree, "etc/passwd", "root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/\n");
	world->enricher = enricher_new(world->tree->procfs, MAX_PROCESSES, true);
	assert_non_null(world->enricher);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	enricher_free(world->enricher);
	(void)tree_tear_down((void **)&world->tree);
	free(world);
	return 0;
}

static int add(const struct world *world, struct record record)
{
	Sysprobe__V1__Process message = to_message(&record);

	return enricher_add_process(world->enricher, &message, BOOT_TO_UNIX_NS);
}

static struct connection fill(const struct world *world, uint32_t pid, uint64_t start_ns,
			      uint64_t cgroup_id)
{
	struct connection connection = { .pid = pid, .process_start_ns = start_ns,
					 .cgroup_id = cgroup_id };

	enricher_fill(world->enricher, &connection);
	return connection;
}

static const struct enricher_stats *stats_of(const struct world *world)
{
	return enricher_get_stats(world->enricher);
}

static void tick(const struct world *world)
{
	enricher_tick(world->enricher, START_NS, KEEP_NS);
}

static struct tree_process nginx(void)
{
	return (struct tree_process){
		.pid = 7,
		.parent = 1,
		.start_ticks = START_TICKS,
		.uid = 33,
		.comm = "nginx",
		.executable = "/usr/sbin/nginx",
		.command_line = "nginx\0-g\0daemon off;",
		.command_line_size = 21,
		.cgroup = "0::/system.slice/nginx.service\n",
	};
}

static void show_nginx(const struct world *world)
{
	struct tree_process process = nginx();

	tree_add_process(world->tree, &process);
}

static const struct record short_lived = {
	.event = EVENT_EXEC,
	.tgid = 7,
	.start_ns = START_NS,
	.executable = "/usr/bin/curl",
	.command_line = "curl http://db",
	.comm = "curl",
	.uid = 33,
	.cgroup_id = UINT64_MAX, /* of no directory */
	.cgroup_name = "nginx.service",
};

static void short_lived_process_is_named_from_the_log(void **state)
{
	struct connection connection;

	assert_int_equal(add(*state, short_lived), 0);
	connection = fill(*state, 7, START_NS, 0);
	assert_string_equal(connection.owner.executable, "/usr/bin/curl");
	assert_string_equal(connection.owner.command_line, "curl http://db");
	assert_string_equal(connection.owner.user, "web");
	assert_string_equal(connection.owner.systemd_unit, "nginx.service");
	assert_null(connection.owner.container_id);
	assert_string_equal(connection.comm, "curl");
	assert_true(connection.owner.start_unix_ns == BOOT_TO_UNIX_NS + START_NS);
	assert_int_equal(stats_of(*state)->n_processes, 1);
	assert_int_equal(stats_of(*state)->n_owner_unknown, 0);
}

static void service_is_named_by_the_best_source_that_is_known(void **state)
{
	struct record process = short_lived;
	struct connection connection;

	add(*state, process);
	connection = fill(*state, 7, START_NS, 0);
	assert_string_equal(connection.owner.service, "nginx");
	assert_string_equal(connection.owner.service_source, "systemd");
	assert_null(connection.owner.env);
	process.environment = "OTEL_RESOURCE_ATTRIBUTES=service.name=shop,"
			      "deployment.environment=prod,service.version=1";
	add(*state, process);
	connection = fill(*state, 7, START_NS, 0);
	assert_string_equal(connection.owner.service, "shop");
	assert_string_equal(connection.owner.service_source, "otel");
	assert_string_equal(connection.owner.env, "prod");
	assert_string_equal(connection.owner.version, "1");
}

static void without_inference_only_an_environment_names_a_service(void **state)
{
	struct world *world = *state;
	struct record process = short_lived;

	enricher_free(world->enricher);
	world->enricher = enricher_new(world->tree->procfs, MAX_PROCESSES, false);
	assert_non_null(world->enricher);
	process.command_line = "nginx: master";
	add(world, process);
	assert_null(fill(world, 7, START_NS, 0).owner.service);
	assert_null(fill(world, 7, START_NS, 0).owner.service_source);
	process.environment = "DD_SERVICE=shop";
	add(world, process);
	assert_string_equal(fill(world, 7, START_NS, 0).owner.service, "shop");
}

static void known_comm_of_a_connection_is_kept(void **state)
{
	struct connection connection = { .pid = 7, .process_start_ns = START_NS, .comm = "worker" };
	const struct world *world = *state;

	assert_int_equal(add(world, short_lived), 0);
	enricher_fill(world->enricher, &connection);
	assert_string_equal(connection.comm, "worker");
}

static void process_the_log_does_not_know_is_read_from_proc(void **state)
{
	struct connection connection;

	show_nginx(*state);
	connection = fill(*state, 7, START_NS, 0);
	assert_string_equal(connection.owner.executable, "/usr/sbin/nginx");
	assert_string_equal(connection.owner.command_line, "nginx -g daemon off;");
	assert_string_equal(connection.owner.user, "web");
	assert_string_equal(connection.owner.systemd_unit, "nginx.service");
	assert_string_equal(connection.comm, "nginx");
}

static void proc_completes_what_the_log_left_out(void **state)
{
	struct connection connection;

	show_nginx(*state);
	assert_int_equal(add(*state, (struct record){ .event = EVENT_EXEC,
						      .tgid = 7,
						      .start_ns = START_NS,
						      .executable = "/usr/sbin/nginx-debug" }),
			 0);
	connection = fill(*state, 7, START_NS, 0);
	assert_string_equal(connection.owner.executable, "/usr/sbin/nginx-debug");
	assert_string_equal(connection.owner.command_line, "nginx -g daemon off;");
	assert_string_equal(connection.owner.systemd_unit, "nginx.service");
}

static void reused_pid_is_not_taken_for_the_owner(void **state)
{
	struct connection connection;

	show_nginx(*state);
	connection = fill(*state, 7, START_NS - 1000000000, 0);
	assert_null(connection.owner.executable);
	assert_null(connection.comm);
	(void)fill(*state, 7, START_NS - 1000000000, 0);
	assert_int_equal(stats_of(*state)->n_pid_reused, 1);
	assert_int_equal(stats_of(*state)->n_owner_unknown, 2);
}

static void reused_pid_leaves_what_the_log_knows(void **state)
{
	struct tree_process other = nginx();
	struct connection connection;

	other.start_ticks++;
	tree_add_process(((struct world *)*state)->tree, &other);
	assert_int_equal(add(*state, short_lived), 0);
	connection = fill(*state, 7, START_NS, 0);
	assert_string_equal(connection.owner.executable, "/usr/bin/curl");
	assert_int_equal(stats_of(*state)->n_pid_reused, 1);
	assert_int_equal(stats_of(*state)->n_owner_unknown, 0);
}

static void ended_process_is_not_looked_for_in_proc(void **state)
{
	struct record end = short_lived;

	show_nginx(*state);
	end.event = EVENT_EXIT;
	end.executable = NULL;
	end.command_line = NULL;
	end.time_ns = START_NS + 5;
	assert_int_equal(add(*state, end), 0);
	assert_null(fill(*state, 7, START_NS, 0).owner.executable);
}

static void connection_without_a_start_time_is_named_from_proc(void **state)
{
	struct connection connection;

	show_nginx(*state);
	enricher_set_clock(((struct world *)*state)->enricher, BOOT_TO_UNIX_NS);
	connection = fill(*state, 7, 0, 0);
	assert_string_equal(connection.owner.executable, "/usr/sbin/nginx");
	assert_true(connection.owner.start_unix_ns ==
		    BOOT_TO_UNIX_NS + procfs_ticks_to_ns(START_TICKS));
}

static void process_read_by_number_alone_is_the_one_that_the_log_knows(void **state)
{
	struct record known = short_lived;

	show_nginx(*state);
	known.executable = "/usr/sbin/nginx-debug";
	assert_int_equal(add(*state, known), 0);
	assert_string_equal(fill(*state, 7, 0, 0).owner.executable, "/usr/sbin/nginx-debug");
	assert_int_equal(stats_of(*state)->n_processes, 1);
}

static void proc_is_read_once_between_two_ticks(void **state)
{
	const struct world *world = *state;
	struct tree_process changed = nginx();

	show_nginx(world);
	assert_string_equal(fill(world, 7, START_NS, 0).comm, "nginx");
	changed.comm = "other";
	tree_add_process(world->tree, &changed);
	assert_string_equal(fill(world, 7, START_NS, 0).comm, "nginx");
	tick(world);
	assert_string_equal(fill(world, 7, START_NS, 0).comm, "other");
}

static void absence_from_proc_is_remembered_until_the_tick(void **state)
{
	const struct world *world = *state;

	assert_null(fill(world, 7, START_NS, 0).comm);
	show_nginx(world);
	assert_null(fill(world, 7, START_NS, 0).comm);
	assert_int_equal(stats_of(world)->n_owner_unknown, 2);
	tick(world);
	assert_string_equal(fill(world, 7, START_NS, 0).comm, "nginx");
}

static void reported_process_is_read_from_proc_only_until_it_execs(void **state)
{
	const struct world *world = *state;
	struct record reported = short_lived;
	struct tree_process changed = nginx();

	reported.command_line = NULL;
	show_nginx(world);
	assert_int_equal(add(world, reported), 0);
	assert_string_equal(fill(world, 7, START_NS, 0).owner.command_line, "nginx -g daemon off;");
	changed.cgroup = "0::/system.slice/changed.service\n";
	tree_add_process(world->tree, &changed);
	tick(world);
	assert_string_equal(fill(world, 7, START_NS, 0).owner.systemd_unit, "nginx.service");
	assert_int_equal(add(world, reported), 0);
	assert_string_equal(fill(world, 7, START_NS, 0).owner.systemd_unit, "changed.service");
}

static void exec_between_two_ticks_has_proc_read_again(void **state)
{
	const struct world *world = *state;
	struct record reported = short_lived;
	struct tree_process changed = nginx();

	reported.command_line = NULL;
	show_nginx(world);
	assert_string_equal(fill(world, 7, START_NS, 0).owner.command_line, "nginx -g daemon off;");
	changed.command_line = "changed";
	changed.command_line_size = 7;
	tree_add_process(world->tree, &changed);
	assert_int_equal(add(world, reported), 0);
	assert_string_equal(fill(world, 7, START_NS, 0).owner.command_line, "changed");
}

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

static void processes_beyond_the_maximum_are_counted(void **state)
{
	struct record one = short_lived;

	for (one.tgid = 1; one.tgid <= MAX_PROCESSES; one.tgid++)
		assert_int_equal(add(*state, one), 0);
	assert_int_equal(add(*state, one), -ENOSPC);
	assert_int_equal(stats_of(*state)->n_table_full, 1);
	assert_int_equal(stats_of(*state)->n_processes, MAX_PROCESSES);
}

static void record_without_tgid_is_refused(void **state)
{
	struct record record = { .event = EVENT_EXEC, .start_ns = 5 };

	assert_int_equal(add(*state, record), -EINVAL);
}

static void filled_strings_stay_valid_until_the_tick(void **state)
{
	struct record next = short_lived;
	struct connection connection;

	assert_int_equal(add(*state, short_lived), 0);
	connection = fill(*state, 7, START_NS, 0);
	next.executable = "/bin/true";
	next.command_line = "true";
	next.comm = "true";
	assert_int_equal(add(*state, next), 0);
	next.event = EVENT_EXIT;
	next.time_ns = START_NS + 1;
	assert_int_equal(add(*state, next), 0);
	next.event = EVENT_EXEC;
	for (next.tgid = 100; next.tgid < 100 + MAX_PROCESSES; next.tgid++)
		assert_int_equal(add(*state, next), 0);
	assert_string_equal(connection.owner.executable, "/usr/bin/curl");
	assert_string_equal(connection.owner.command_line, "curl http://db");
	assert_string_equal(connection.owner.user, "web");
	assert_string_equal(connection.comm, "curl");
}

static void process_whose_end_was_lost_makes_room_when_proc_lacks_it(void **state)
{
	struct tree_process first = { .pid = 1, .start_ticks = 1, .comm = "init" };
	struct record gone = short_lived;

	tree_add_process(((struct world *)*state)->tree, &first);
	show_nginx(*state);
	for (gone.tgid = 7; gone.tgid < 7 + MAX_PROCESSES; gone.tgid++)
		assert_int_equal(add(*state, gone), 0);
	(void)fill(*state, 7, START_NS, 0); /* which shows that /proc is the probe's */
	tick(*state);
	assert_int_equal(stats_of(*state)->n_ends_unreported, MAX_PROCESSES - 1);
	assert_int_equal(add(*state, gone), 0);
	assert_string_equal(fill(*state, 7, START_NS, 0).owner.executable, "/usr/bin/curl");
}

static void proc_that_hides_processes_ends_none(void **state)
{
	struct record hidden = short_lived;

	show_nginx(*state);
	for (hidden.tgid = 7; hidden.tgid < 7 + MAX_PROCESSES; hidden.tgid++)
		assert_int_equal(add(*state, hidden), 0);
	(void)fill(*state, 7, START_NS, 0);
	tick(*state);
	assert_int_equal(stats_of(*state)->n_ends_unreported, 0);
}

static void proc_of_another_namespace_ends_none(void **state)
{
	struct tree_process first = { .pid = 1, .start_ticks = 1, .comm = "init" };
	struct record unseen = short_lived;

	tree_add_process(((struct world *)*state)->tree, &first);
	for (unseen.tgid = 7; unseen.tgid < 7 + MAX_PROCESSES; unseen.tgid++)
		assert_int_equal(add(*state, unseen), 0);
	(void)fill(*state, 7, START_NS, 0);
	tick(*state);
	assert_int_equal(stats_of(*state)->n_ends_unreported, 0);
}

static void missing_procfs_leaves_the_log(void **state)
{
	struct world world = { .enricher = enricher_new("/nonexistent/proc", MAX_PROCESSES, true) };

	(void)state;
	assert_non_null(world.enricher);
	assert_int_equal(add(&world, short_lived), 0);
	assert_string_equal(fill(&world, 7, START_NS, 0).owner.executable, "/usr/bin/curl");
	assert_null(fill(&world, 8, START_NS, 0).owner.executable);
	enricher_free(world.enricher);
}

/* A process that waits to be killed. */
static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	assert_true(pid > 0);
	return pid;
}

static void stop_process(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Until exec, the child still shows the name of this test. */
static struct connection fill_when_named(struct world *world, pid_t pid, const char *comm)
{
	struct connection connection = { .pid = 0 };

	for (int i = 0; i < 100; i++) {
		connection = fill(world, (uint32_t)pid, 0, 0);
		/* exec(2) sets the name first and the arguments a moment later. */
		if (connection.comm && strcmp(connection.comm, comm) == 0 &&
		    connection.owner.command_line &&
		    strncmp(connection.owner.command_line, comm, strlen(comm)) == 0)
			break;
		tick(world);
		(void)usleep(10000);
	}
	return connection;
}

static void real_process_in_a_real_cgroup_has_its_owner(void **state)
{
	struct world world = { .enricher = enricher_new("/proc", MAX_PROCESSES, true) };
	struct connection connection;
	struct cgroup cgroup;
	bool has_entered;
	pid_t pid;

	(void)state;
	if (!cgroup_make(&cgroup)) {
		enricher_free(world.enricher);
		print_message("skipped: no cgroup v2 hierarchy to write to\n");
		skip();
	}
	pid = start_process();
	has_entered = cgroup_enter(&cgroup, pid);
	connection = fill_when_named(&world, pid, "sleep");
	stop_process(pid);
	cgroup_remove(&cgroup);

	assert_true(has_entered);
	assert_string_equal(connection.owner.command_line, "sleep 60");
	assert_string_equal(connection.owner.container_id, CGROUP_DOCKER_ID);
	assert_string_equal(connection.owner.container_runtime, "docker");
	assert_non_null(connection.owner.user);
	assert_int_equal(access(cgroup.path, F_OK), -1);
	enricher_free(world.enricher);
}

static void executable_that_may_not_be_read_stays_unknown(void **state)
{
	int status = 0;
	pid_t pid, reader;

	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: needs root to become another user\n");
		skip();
	}
	pid = start_process();
	reader = fork();
	if (reader == 0) {
		struct world world = { .enricher = NULL };
		struct connection connection;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		world.enricher = enricher_new("/proc", MAX_PROCESSES, true);
		connection = fill_when_named(&world, pid, "sleep");
		_exit(!connection.owner.executable && connection.owner.command_line &&
				      strcmp(connection.owner.user, "root") == 0
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(reader, &status, 0), reader);
	stop_process(pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(short_lived_process_is_named_from_the_log),
		IN_WORLD(service_is_named_by_the_best_source_that_is_known),
		IN_WORLD(without_inference_only_an_environment_names_a_service),
		IN_WORLD(known_comm_of_a_connection_is_kept),
		IN_WORLD(process_the_log_does_not_know_is_read_from_proc),
		IN_WORLD(proc_completes_what_the_log_left_out),
		IN_WORLD(reused_pid_is_not_taken_for_the_owner),
		IN_WORLD(reused_pid_leaves_what_the_log_knows),
		IN_WORLD(ended_process_is_not_looked_for_in_proc),
		IN_WORLD(connection_without_a_start_time_is_named_from_proc),
		IN_WORLD(process_read_by_number_alone_is_the_one_that_the_log_knows),
		IN_WORLD(proc_is_read_once_between_two_ticks),
		IN_WORLD(absence_from_proc_is_remembered_until_the_tick),
		IN_WORLD(reported_process_is_read_from_proc_only_until_it_execs),
		IN_WORLD(exec_between_two_ticks_has_proc_read_again),
		IN_WORLD(pod_and_container_come_from_the_whole_cgroup_path),
		IN_WORLD(user_of_a_container_is_a_number_unless_root),
		IN_WORLD(container_of_a_dead_process_comes_from_its_cgroup_name),
		IN_WORLD(connection_without_a_process_is_named_from_its_cgroup),
		IN_WORLD(dead_process_takes_its_pod_from_the_cgroup_directory),
		IN_WORLD(cgroup_name_of_a_container_goes_before_a_cgroup_of_none),
		IN_WORLD(cgroup_goes_before_a_name_of_no_container),
		IN_WORLD(processes_beyond_the_maximum_are_counted),
		IN_WORLD(record_without_tgid_is_refused),
		IN_WORLD(filled_strings_stay_valid_until_the_tick),
		IN_WORLD(process_whose_end_was_lost_makes_room_when_proc_lacks_it),
		IN_WORLD(proc_that_hides_processes_ends_none),
		IN_WORLD(proc_of_another_namespace_ends_none),
		cmocka_unit_test(missing_procfs_leaves_the_log),
		cmocka_unit_test(real_process_in_a_real_cgroup_has_its_owner),
		cmocka_unit_test(executable_that_may_not_be_read_stays_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
