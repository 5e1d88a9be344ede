/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds, and what makes room. */
#include "enrich_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(processes_beyond_the_maximum_are_counted),
		IN_WORLD(record_without_tgid_is_refused),
		IN_WORLD(filled_strings_stay_valid_until_the_tick),
		IN_WORLD(process_whose_end_was_lost_makes_room_when_proc_lacks_it),
		IN_WORLD(proc_that_hides_processes_ends_none),
		IN_WORLD(proc_of_another_namespace_ends_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
