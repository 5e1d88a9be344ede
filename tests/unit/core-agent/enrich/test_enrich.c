/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich_fixture.h"

#include "procfs.h"

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
		cmocka_unit_test(missing_procfs_leaves_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
