/* SPDX-License-Identifier: Apache-2.0 */
#include "process_table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "process_fixture.h"

#define MAX_PROCESSES 4
#define KEEP_NS 100

static int record(struct process_table *table, struct record what)
{
	Sysprobe__V1__Process message = to_message(&what);

	return process_table_record(table, &message);
}

static int observe(struct process_table *table, struct record what)
{
	Sysprobe__V1__Process message = to_message(&what);

	return process_table_observe(table, &message,
				     (struct process_observation){ .has_uid = true });
}

static int observe_forked(struct process_table *table, struct record what)
{
	Sysprobe__V1__Process message = to_message(&what);

	return process_table_observe(table, &message,
				     (struct process_observation){ .is_forked_only = true });
}

#define MAKE(what, id, start, ...) \
	(struct record) { .event = what, .tgid = id, .start_ns = start, ##__VA_ARGS__ }
#define RECORD(table, ...) record(table, MAKE(__VA_ARGS__))
#define OBSERVE(table, ...) observe(table, MAKE(__VA_ARGS__))
#define OBSERVE_FORKED(table, ...) observe_forked(table, MAKE(EVENT_ALIVE, __VA_ARGS__))
#define NAMES(path, arguments, name) .executable = path, .command_line = arguments, .comm = name

static const char *string_of(const struct process_table *table, uint32_t tgid, uint64_t start_ns,
			     enum process_string which)
{
	const struct process *process = process_table_find(table, tgid, start_ns);

	assert_non_null(process);
	return process->strings[which];
}

static int set_up(void **state)
{
	*state = process_table_new(MAX_PROCESSES);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	process_table_free(*state);
	return 0;
}

static void executed_process_is_found_by_tgid_and_start(void **state)
{
	const struct process *process;

	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/ls", "ls", "ls"), .parent = 1, .uid = 33,
	       .cgroup_id = 55, .cgroup_name = "ssh.service");
	process = process_table_find(*state, 7, 1000);
	assert_non_null(process);
	assert_string_equal(process->strings[PROCESS_EXECUTABLE], "/bin/ls");
	assert_string_equal(process->strings[PROCESS_COMMAND_LINE], "ls");
	assert_string_equal(process->strings[PROCESS_COMM], "ls");
	assert_string_equal(process->strings[PROCESS_CGROUP_NAME], "ssh.service");
	assert_int_equal(process->parent_tgid, 1);
	assert_int_equal(process->uid, 33);
	assert_int_equal(process->cgroup_id, 55);
	assert_int_equal(process->end_ns, 0);
	assert_null(process_table_find(*state, 7, 1001));
	assert_null(process_table_find(*state, 8, 1000));
}

static void record_without_tgid_or_start_is_refused(void **state)
{
	assert_int_equal(RECORD(*state, EVENT_EXEC, 0, 1000), -EINVAL);
	assert_int_equal(RECORD(*state, EVENT_EXEC, 7, 0), -EINVAL);
	assert_int_equal(process_table_n_processes(*state), 0);
}

static void second_exec_replaces_the_first(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/sh", "sh -c ls", "sh"));
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/ls", NULL, "ls"));
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_EXECUTABLE), "/bin/ls");
	assert_null(string_of(*state, 7, 1000, PROCESS_COMMAND_LINE));
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMM), "ls");
	assert_int_equal(process_table_n_processes(*state), 1);
}

static void alive_record_keeps_what_it_does_not_know(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/sh", "sh -c ls", "sh"));
	RECORD(*state, EVENT_ALIVE, 7, 1000, NAMES(NULL, NULL, "worker"));
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_EXECUTABLE), "/bin/sh");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMMAND_LINE), "sh -c ls");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMM), "worker");
}

static void exit_sets_the_end_and_keeps_the_names(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/ls", "ls", "ls"));
	RECORD(*state, EVENT_EXIT, 7, 1000, NAMES(NULL, NULL, "thread"), .time_ns = 2000);
	assert_int_equal(process_table_find(*state, 7, 1000)->end_ns, 2000);
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_EXECUTABLE), "/bin/ls");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMM), "ls");
}

static void process_that_only_forked_takes_the_names_of_its_parent(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/httpd", "httpd -k start", "httpd"));
	RECORD(*state, EVENT_EXIT, 8, 1500, .comm = "worker", .parent = 7, .time_ns = 2000,
	       .is_forked_only = true, .uid = 33, .cgroup_name = "httpd.service");
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_EXECUTABLE), "/bin/httpd");
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_COMMAND_LINE), "httpd -k start");
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_COMM), "worker");
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_CGROUP_NAME), "httpd.service");
	assert_int_equal(process_table_find(*state, 8, 1500)->uid, 33);
}

static void process_whose_start_was_not_seen_takes_no_names(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/python3", "python3\0shop.py", "python3"),
	       .environment = "DD_SERVICE=shop");
	RECORD(*state, EVENT_EXIT, 8, 1500, .comm = "python3", .parent = 7, .time_ns = 2000);
	assert_null(string_of(*state, 8, 1500, PROCESS_EXECUTABLE));
	assert_null(string_of(*state, 8, 1500, PROCESS_SERVICE));
	assert_null(string_of(*state, 8, 1500, PROCESS_COMMAND_SERVICE));
}

static void parent_that_was_not_alive_at_the_fork_gives_no_names(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/old", "old", "old"));
	RECORD(*state, EVENT_EXIT, 7, 1000, .time_ns = 1200);
	RECORD(*state, EVENT_EXEC, 7, 1800, NAMES("/bin/young", "young", "young"));
	RECORD(*state, EVENT_EXIT, 8, 1500, .parent = 7, .time_ns = 2000, .is_forked_only = true);
	assert_null(string_of(*state, 8, 1500, PROCESS_EXECUTABLE));
}

static void parent_is_the_generation_that_lived_at_the_fork(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/old", "old", "old"));
	RECORD(*state, EVENT_EXIT, 7, 1000, .time_ns = 1600);
	RECORD(*state, EVENT_EXEC, 7, 1800, NAMES("/bin/young", "young", "young"));
	RECORD(*state, EVENT_EXIT, 8, 1500, .parent = 7, .time_ns = 2000, .is_forked_only = true);
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_EXECUTABLE), "/bin/old");
}

static void ended_process_is_forgotten_after_the_time_to_keep(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/ls", "ls", "ls"));
	RECORD(*state, EVENT_EXIT, 7, 1000, .time_ns = 2000);
	process_table_tick(*state, 2000 + KEEP_NS, KEEP_NS);
	assert_non_null(process_table_find(*state, 7, 1000));
	process_table_tick(*state, 2001 + KEEP_NS, KEEP_NS);
	assert_null(process_table_find(*state, 7, 1000));
}

static void reported_living_process_is_never_forgotten(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/ls", "ls", "ls"));
	process_table_tick(*state, 1000000, KEEP_NS);
	process_table_tick(*state, 2000000, KEEP_NS);
	assert_non_null(process_table_find(*state, 7, 1000));
}

static void observed_process_is_forgotten_when_unused(void **state)
{
	OBSERVE(*state, EVENT_ALIVE, 7, 1000, NAMES("/bin/ls", "ls", "ls"));
	process_table_tick(*state, 5000, KEEP_NS);
	process_table_hand_out(*state, process_table_find(*state, 7, 1000));
	process_table_tick(*state, 6000, KEEP_NS);
	process_table_tick(*state, 6000 + KEEP_NS, KEEP_NS);
	assert_non_null(process_table_find(*state, 7, 1000));
	process_table_tick(*state, 6001 + KEEP_NS, KEEP_NS);
	assert_null(process_table_find(*state, 7, 1000));
}

static void full_table_forgets_first_what_ended_first(void **state)
{
	RECORD(*state, EVENT_EXEC, 1, 1000);
	RECORD(*state, EVENT_EXIT, 2, 1000, .time_ns = 3000);
	RECORD(*state, EVENT_EXIT, 3, 1000, .time_ns = 2000);
	OBSERVE(*state, EVENT_ALIVE, 4, 1000);
	assert_int_equal(RECORD(*state, EVENT_EXEC, 5, 1000), 0);
	assert_null(process_table_find(*state, 3, 1000));
	assert_int_equal(RECORD(*state, EVENT_EXEC, 6, 1000), 0);
	assert_null(process_table_find(*state, 2, 1000));
	assert_int_equal(RECORD(*state, EVENT_EXEC, 7, 1000), 0);
	assert_null(process_table_find(*state, 4, 1000));
	assert_non_null(process_table_find(*state, 1, 1000));
}

static void table_full_of_living_processes_refuses(void **state)
{
	for (uint32_t tgid = 1; tgid <= MAX_PROCESSES; tgid++)
		assert_int_equal(RECORD(*state, EVENT_EXEC, tgid, 1000, .executable = "/bin/a"), 0);
	assert_int_equal(RECORD(*state, EVENT_EXEC, 9, 1000), -ENOSPC);
	assert_int_equal(RECORD(*state, EVENT_EXEC, 1, 1000, .executable = "/bin/b"), 0);
	assert_string_equal(string_of(*state, 1, 1000, PROCESS_EXECUTABLE), "/bin/b");
}

static void reused_tgid_ends_the_process_whose_exit_was_lost(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000);
	RECORD(*state, EVENT_EXEC, 7, 5000);
	assert_int_equal(process_table_find(*state, 7, 1000)->end_ns, 5000);
	assert_int_equal(process_table_find(*state, 7, 5000)->end_ns, 0);
}

static void older_generation_that_arrives_late_is_ended(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 5000);
	RECORD(*state, EVENT_EXEC, 7, 1000);
	assert_int_equal(process_table_find(*state, 7, 1000)->end_ns, 5000);
	assert_int_equal(process_table_find(*state, 7, 5000)->end_ns, 0);
}

static void handed_out_strings_outlive_exec_and_eviction_until_the_tick(void **state)
{
	const char *first, *second;

	RECORD(*state, EVENT_EXEC, 1, 1000, .executable = "/bin/first");
	process_table_hand_out(*state, process_table_find(*state, 1, 1000));
	first = string_of(*state, 1, 1000, PROCESS_EXECUTABLE);
	RECORD(*state, EVENT_EXEC, 1, 1000, .executable = "/bin/second");
	process_table_hand_out(*state, process_table_find(*state, 1, 1000));
	second = string_of(*state, 1, 1000, PROCESS_EXECUTABLE);
	RECORD(*state, EVENT_EXIT, 1, 1000, .time_ns = 1001);
	for (uint32_t tgid = 2; tgid <= MAX_PROCESSES + 1; tgid++)
		RECORD(*state, EVENT_EXEC, tgid, 1000);

	assert_null(process_table_find(*state, 1, 1000));
	assert_string_equal(first, "/bin/first");
	assert_string_equal(second, "/bin/second");
	process_table_tick(*state, 2000, KEEP_NS);
}

static void observation_adds_only_what_a_report_left_unknown(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/bin/script", NULL, "script"), .uid = 5);
	OBSERVE(*state, EVENT_ALIVE, 7, 1000, NAMES("/bin/python3", "python3 script", "main"),
		.parent = 3, .uid = 6);
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_EXECUTABLE), "/bin/script");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMMAND_LINE), "python3 script");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMM), "script");
	assert_int_equal(process_table_find(*state, 7, 1000)->uid, 5);
	assert_int_equal(process_table_find(*state, 7, 1000)->parent_tgid, 3);
	assert_true(process_table_find(*state, 7, 1000)->is_procfs_read);
}

static void observation_replaces_relative_executable_and_cut_command_line(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("./a", "./a --lon", "a"),
	       .is_command_line_cut = true);
	OBSERVE(*state, EVENT_ALIVE, 7, 1000, NAMES("/opt/a", "./a --long", "a"));
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_EXECUTABLE), "/opt/a");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMMAND_LINE), "./a --long");
	assert_false(process_table_find(*state, 7, 1000)->is_command_line_cut);
}

static void observation_without_executable_keeps_the_reported_one(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("./a", "./a", "a"));
	OBSERVE(*state, EVENT_ALIVE, 7, 1000, NAMES(NULL, NULL, "a"));
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_EXECUTABLE), "./a");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMMAND_LINE), "./a");
}

static void new_observation_replaces_the_former(void **state)
{
	OBSERVE(*state, EVENT_ALIVE, 7, 1000, NAMES("/bin/sh", "sh", "sh"), .uid = 0);
	OBSERVE(*state, EVENT_ALIVE, 7, 1000, NAMES("/bin/ls", "ls", "ls"), .uid = 9);
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_EXECUTABLE), "/bin/ls");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMM), "ls");
	assert_int_equal(process_table_find(*state, 7, 1000)->uid, 9);
}

static void unreadable_executable_is_the_parents_if_comm_is_the_same(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, NAMES("/usr/sbin/nginx", "nginx", "nginx"));
	OBSERVE(*state, EVENT_ALIVE, 8, 1500, NAMES(NULL, "nginx: worker", "nginx"), .parent = 7);
	OBSERVE(*state, EVENT_ALIVE, 9, 1500, NAMES(NULL, "ls", "ls"), .parent = 7);
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_EXECUTABLE), "/usr/sbin/nginx");
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_COMMAND_LINE), "nginx: worker");
	assert_null(string_of(*state, 9, 1500, PROCESS_EXECUTABLE));
}

static void container_is_resolved_again_after_exec_in_another_cgroup(void **state)
{
	const struct container_id container = { .id = "abc", .runtime = "docker",
						.systemd_unit = "a.service" };

	RECORD(*state, EVENT_EXEC, 7, 1000, .cgroup_id = 5, .cgroup_name = "a.service");
	assert_int_equal(process_table_set_container(*state, process_table_find(*state, 7, 1000),
						     &container),
			 0);
	RECORD(*state, EVENT_EXEC, 7, 1000, .cgroup_id = 5, .cgroup_name = "a.service");
	assert_true(process_table_find(*state, 7, 1000)->is_container_resolved);
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_CONTAINER_ID), "abc");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_SYSTEMD_UNIT), "a.service");
	assert_null(string_of(*state, 7, 1000, PROCESS_POD_UID));
	RECORD(*state, EVENT_EXEC, 7, 1000, .cgroup_id = 6, .cgroup_name = "a.service");
	assert_false(process_table_find(*state, 7, 1000)->is_container_resolved);
}

static void container_is_resolved_again_after_exec_in_another_v1_cgroup(void **state)
{
	const struct container_id container = { .systemd_unit = "docker.service" };

	RECORD(*state, EVENT_EXEC, 7, 1000, .cgroup_id = 5, .cgroup_name = "docker.service");
	assert_int_equal(process_table_set_container(*state, process_table_find(*state, 7, 1000),
						     &container),
			 0);
	RECORD(*state, EVENT_EXEC, 7, 1000, .cgroup_id = 5, .cgroup_name = "docker-abc.scope");
	assert_false(process_table_find(*state, 7, 1000)->is_container_resolved);
}

#define OTEL "OTEL_RESOURCE_ATTRIBUTES=service.name=shop,service.version=2,deployment.environment=x"

static void exec_replaces_what_the_environment_says(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, .environment = OTEL);
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_SERVICE), "shop");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_ENV), "x");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_VERSION), "2");
	assert_int_equal(process_table_find(*state, 7, 1000)->service_source, SERVICE_SOURCE_OTEL);
	RECORD(*state, EVENT_EXEC, 7, 1000, .environment = "DD_SERVICE=other");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_SERVICE), "other");
	assert_null(string_of(*state, 7, 1000, PROCESS_ENV));
	assert_int_equal(process_table_find(*state, 7, 1000)->service_source,
			 SERVICE_SOURCE_ENVIRONMENT);
	RECORD(*state, EVENT_EXEC, 7, 1000, .comm = "none");
	assert_null(string_of(*state, 7, 1000, PROCESS_SERVICE));
}

static void what_the_environment_said_stays_without_an_exec(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, .environment = OTEL, .comm = "a");
	RECORD(*state, EVENT_ALIVE, 7, 1000, .comm = "a");
	OBSERVE(*state, EVENT_ALIVE, 7, 1000, .comm = "a");
	RECORD(*state, EVENT_EXIT, 7, 1000, .time_ns = 2000);
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_SERVICE), "shop");
}

static void reused_tgid_has_no_service_of_the_former(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, .environment = OTEL, .comm = "a");
	OBSERVE_FORKED(*state, 7, 2000, .comm = "a", .parent = 3);
	assert_null(string_of(*state, 7, 2000, PROCESS_SERVICE));
	assert_null(string_of(*state, 7, 2000, PROCESS_ENV));
}

static void worker_that_only_forked_has_its_parents_environment(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, .environment = OTEL, .comm = "gunicorn: maste");
	OBSERVE_FORKED(*state, 8, 1500, .comm = "gunicorn: worke", .parent = 7);
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_SERVICE), "shop");
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_VERSION), "2");
	assert_int_equal(process_table_find(*state, 8, 1500)->service_source, SERVICE_SOURCE_OTEL);
	RECORD(*state, EVENT_EXIT, 9, 1600, .comm = "gunicorn: worke", .parent = 7,
	       .time_ns = 2000, .is_forked_only = true);
	assert_string_equal(string_of(*state, 9, 1600, PROCESS_SERVICE), "shop");
}

static void worker_keeps_its_environment_when_its_parent_is_forgotten(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, .environment = OTEL, .comm = "a");
	OBSERVE_FORKED(*state, 8, 1500, .comm = "a", .parent = 7);
	RECORD(*state, EVENT_EXIT, 7, 1000, .time_ns = 1600);
	process_table_tick(*state, 1650, KEEP_NS);
	process_table_tick(*state, 1701, KEEP_NS);
	assert_null(process_table_find(*state, 7, 1000));
	OBSERVE_FORKED(*state, 8, 1500, .comm = "a", .parent = 1);
	assert_string_equal(string_of(*state, 8, 1500, PROCESS_SERVICE), "shop");
}

static void orphan_has_nothing_of_who_took_it_in(void **state)
{
	RECORD(*state, EVENT_EXEC, 1, 10, .environment = OTEL, .comm = "init");
	RECORD(*state, EVENT_EXEC, 7, 1000, .environment = OTEL, .comm = "shim");
	OBSERVE_FORKED(*state, 8, 1500, .comm = "init", .parent = 1);
	OBSERVE_FORKED(*state, 9, 1500, .comm = "daemon", .parent = 7);
	assert_null(string_of(*state, 8, 1500, PROCESS_SERVICE));
	assert_null(string_of(*state, 9, 1500, PROCESS_SERVICE));
}

static void unseen_exec_takes_the_inherited_environment_away(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, .environment = OTEL, .comm = "a");
	OBSERVE_FORKED(*state, 8, 1500, .comm = "a", .parent = 7);
	OBSERVE(*state, EVENT_ALIVE, 8, 1500, .comm = "a", .parent = 7);
	assert_null(string_of(*state, 8, 1500, PROCESS_SERVICE));
}

static void service_of_a_command_goes_with_its_command_line(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, .command_line = "nginx: master", .comm = "nginx");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMMAND_SERVICE), "nginx");
	RECORD(*state, EVENT_ALIVE, 7, 1000, .comm = "nginx");
	OBSERVE(*state, EVENT_ALIVE, 7, 1000, .command_line = "sh", .comm = "nginx");
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_COMMAND_SERVICE), "nginx");
	RECORD(*state, EVENT_EXEC, 7, 1000, .command_line = "ls", .comm = "ls");
	assert_null(string_of(*state, 7, 1000, PROCESS_COMMAND_SERVICE));
}

/* As the probe has it of a process that is older than the probe. */
static void start_that_was_rounded_to_a_tick_is_the_same_process(void **state)
{
	const uint64_t rounded_ns = 50000000, exact_ns = rounded_ns + 1234567;

	RECORD(*state, EVENT_ALIVE, 7, rounded_ns, .environment = OTEL);
	assert_string_equal(string_of(*state, 7, exact_ns, PROCESS_SERVICE), "shop");
	OBSERVE(*state, EVENT_ALIVE, 7, exact_ns, .comm = "a");
	assert_string_equal(string_of(*state, 7, exact_ns, PROCESS_SERVICE), "shop");
	RECORD(*state, EVENT_EXEC, 7, exact_ns, .environment = "DD_SERVICE=after");
	assert_string_equal(string_of(*state, 7, exact_ns, PROCESS_SERVICE), "after");
	assert_int_equal(process_table_n_processes(*state), 1);
	assert_null(process_table_find(*state, 7, rounded_ns + 10000000));
}

static void unit_of_a_service_names_it(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000, .cgroup_id = 5);
	assert_int_equal(process_table_set_container(
				 *state, process_table_find(*state, 7, 1000),
				 &(struct container_id){ .systemd_unit = "a.service" }),
			 0);
	assert_string_equal(string_of(*state, 7, 1000, PROCESS_UNIT_SERVICE), "a");
}

static void process_is_found_by_a_range_of_start_times(void **state)
{
	RECORD(*state, EVENT_EXEC, 7, 1000);
	RECORD(*state, EVENT_EXEC, 7, 5000);
	assert_int_equal(process_table_find_between(*state, 7, 1000, 1001)->start_ns, 1000);
	assert_int_equal(process_table_find_between(*state, 7, 4000, 6000)->start_ns, 5000);
	assert_null(process_table_find_between(*state, 7, 1001, 5000));
	assert_null(process_table_find_between(*state, 8, 0, 6000));
}

static void living_processes_are_given_in_turn(void **state)
{
	RECORD(*state, EVENT_EXEC, 1, 1000);
	RECORD(*state, EVENT_EXEC, 2, 1000);
	OBSERVE(*state, EVENT_ALIVE, 3, 1000);
	assert_int_equal(process_table_next_living(*state)->tgid, 1);
	assert_int_equal(process_table_next_living(*state)->tgid, 2);
	process_table_end(*state, process_table_find(*state, 1, 1000), 2000);
	assert_int_equal(process_table_next_living(*state)->tgid, 2);
	process_table_end(*state, process_table_find(*state, 2, 1000), 2000);
	assert_null(process_table_next_living(*state));
}

/* One step of a random history over few numbers, so that everything collides. */
static void step_at_random(struct process_table *table, unsigned int *seed)
{
	uint32_t tgid = 1 + (uint32_t)rand_r(seed) % 6;
	uint64_t start = 1 + (uint64_t)rand_r(seed) % 5 * 10;
	const struct process *process = process_table_find(table, tgid, start);
	uint32_t parent = tgid % 6 + 1;

	switch (rand_r(seed) % 6) {
	case 0:
		RECORD(table, EVENT_EXEC, tgid, start, NAMES("/a", "a", "a"), .parent = parent);
		break;
	case 1:
		RECORD(table, EVENT_EXEC, tgid, start, NAMES("/b", "b", "b"), .parent = parent);
		break;
	case 2:
		RECORD(table, EVENT_EXIT, tgid, start, .parent = parent, .time_ns = start + 7);
		break;
	case 3:
		OBSERVE(table, EVENT_ALIVE, tgid, start, NAMES(NULL, "c", "a"), .parent = parent);
		break;
	case 4:
		if (process)
			process_table_hand_out(table, process);
		break;
	default:
		if (start == 1)
			process_table_tick(table, tgid * 20, 20);
	}
}

static void random_records_never_exceed_the_maximum(void **state)
{
	unsigned int seed = 1;
	size_t most = 0;

	for (int i = 0; i < 200000; i++) {
		size_t n;

		step_at_random(*state, &seed);
		n = process_table_n_processes(*state);
		most = n > most ? n : most;
	}
	assert_int_equal(most, MAX_PROCESSES);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TABLE(executed_process_is_found_by_tgid_and_start),
		WITH_TABLE(record_without_tgid_or_start_is_refused),
		WITH_TABLE(second_exec_replaces_the_first),
		WITH_TABLE(alive_record_keeps_what_it_does_not_know),
		WITH_TABLE(exit_sets_the_end_and_keeps_the_names),
		WITH_TABLE(process_that_only_forked_takes_the_names_of_its_parent),
		WITH_TABLE(process_whose_start_was_not_seen_takes_no_names),
		WITH_TABLE(parent_that_was_not_alive_at_the_fork_gives_no_names),
		WITH_TABLE(parent_is_the_generation_that_lived_at_the_fork),
		WITH_TABLE(ended_process_is_forgotten_after_the_time_to_keep),
		WITH_TABLE(reported_living_process_is_never_forgotten),
		WITH_TABLE(observed_process_is_forgotten_when_unused),
		WITH_TABLE(full_table_forgets_first_what_ended_first),
		WITH_TABLE(table_full_of_living_processes_refuses),
		WITH_TABLE(reused_tgid_ends_the_process_whose_exit_was_lost),
		WITH_TABLE(older_generation_that_arrives_late_is_ended),
		WITH_TABLE(handed_out_strings_outlive_exec_and_eviction_until_the_tick),
		WITH_TABLE(observation_adds_only_what_a_report_left_unknown),
		WITH_TABLE(observation_replaces_relative_executable_and_cut_command_line),
		WITH_TABLE(observation_without_executable_keeps_the_reported_one),
		WITH_TABLE(new_observation_replaces_the_former),
		WITH_TABLE(unreadable_executable_is_the_parents_if_comm_is_the_same),
		WITH_TABLE(container_is_resolved_again_after_exec_in_another_cgroup),
		WITH_TABLE(container_is_resolved_again_after_exec_in_another_v1_cgroup),
		WITH_TABLE(exec_replaces_what_the_environment_says),
		WITH_TABLE(what_the_environment_said_stays_without_an_exec),
		WITH_TABLE(reused_tgid_has_no_service_of_the_former),
		WITH_TABLE(worker_that_only_forked_has_its_parents_environment),
		WITH_TABLE(worker_keeps_its_environment_when_its_parent_is_forgotten),
		WITH_TABLE(orphan_has_nothing_of_who_took_it_in),
		WITH_TABLE(unseen_exec_takes_the_inherited_environment_away),
		WITH_TABLE(service_of_a_command_goes_with_its_command_line),
		WITH_TABLE(start_that_was_rounded_to_a_tick_is_the_same_process),
		WITH_TABLE(unit_of_a_service_names_it),
		WITH_TABLE(process_is_found_by_a_range_of_start_times),
		WITH_TABLE(living_processes_are_given_in_turn),
		WITH_TABLE(random_records_never_exceed_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
