/* SPDX-License-Identifier: Apache-2.0 */
#include "process_log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sp_fixture.h"
#include "sysprobe.pb-c.h"

#define EVENT_ALIVE SYSPROBE__V1__PROCESS__EVENT__EVENT_ALIVE
#define EVENT_EXEC SYSPROBE__V1__PROCESS__EVENT__EVENT_EXEC
#define EVENT_EXIT SYSPROBE__V1__PROCESS__EVENT__EVENT_EXIT

static struct process_log *new_log(size_t max_events, size_t max_processes)
{
	struct process_log *log = process_log_new(max_events, max_processes);

	assert_non_null(log);
	return log;
}

static int start(struct process_log *log, uint32_t tgid, const char *comm)
{
	struct process_record record = sample_process(tgid);

	record.comm = comm;
	return process_log_add_exec(log, &record);
}

static int end(struct process_log *log, uint32_t tgid)
{
	struct process_record record = sample_process(tgid);

	return process_log_add_exit(log, &record);
}

static int find_alive(struct process_log *log, uint32_t tgid, const char *comm)
{
	struct process_record record = sample_process(tgid);

	record.comm = comm;
	return process_log_add_alive(log, &record);
}

static Sysprobe__V1__Process *unpack(const struct record_log_entry *entry)
{
	Sysprobe__V1__Process *message =
		sysprobe__v1__process__unpack(NULL, entry->size, entry->bytes);

	assert_non_null(message);
	return message;
}

static void assert_event(const struct process_log *log, uint64_t sequence, int event, uint32_t tgid)
{
	struct record_log_entry entry;
	Sysprobe__V1__Process *message;

	assert_int_equal(process_log_get(log, sequence, &entry), 0);
	message = unpack(&entry);
	assert_int_equal(message->event, event);
	assert_int_equal(message->tgid, tgid);
	assert_int_equal(message->sequence, sequence);
	sysprobe__v1__process__free_unpacked(message, NULL);
}

/* The table's entry that follows `after` is `tgid`, named `comm`. */
static void assert_next_alive(const struct process_log *log, uint32_t after, uint32_t tgid,
			      const char *comm)
{
	struct record_log_entry entry;
	Sysprobe__V1__Process *message;

	assert_int_equal(process_log_next_alive(log, after, &entry), tgid);
	message = unpack(&entry);
	assert_int_equal(message->event, EVENT_ALIVE);
	assert_int_equal(message->sequence, 0);
	assert_int_equal(message->tgid, tgid);
	assert_string_equal(message->comm, comm);
	sysprobe__v1__process__free_unpacked(message, NULL);
}

static void assert_none_alive_after(const struct process_log *log, uint32_t after)
{
	struct record_log_entry entry;

	assert_int_equal(process_log_next_alive(log, after, &entry), 0);
}

static void start_goes_into_log_and_table(void **state)
{
	struct process_log *log = new_log(10, 10);

	(void)state;
	assert_int_equal(start(log, 7, "seven"), 0);
	assert_event(log, 1, EVENT_EXEC, 7);
	assert_next_alive(log, 0, 7, "seven");
	assert_int_equal(process_log_get_stats(log)->n_processes, 1);
	process_log_free(log);
}

static void end_goes_into_log_and_out_of_table(void **state)
{
	struct process_log *log = new_log(10, 10);

	(void)state;
	assert_int_equal(start(log, 7, "seven"), 0);
	assert_int_equal(start(log, 8, "eight"), 0);
	assert_int_equal(end(log, 7), 0);
	assert_event(log, 3, EVENT_EXIT, 7);
	assert_next_alive(log, 0, 8, "eight");
	assert_none_alive_after(log, 8);
	assert_int_equal(process_log_get_stats(log)->n_processes, 1);
	process_log_free(log);
}

static void end_of_an_unknown_process_is_logged(void **state)
{
	struct process_log *log = new_log(10, 10);

	(void)state;
	assert_int_equal(end(log, 7), 0);
	assert_event(log, 1, EVENT_EXIT, 7);
	assert_none_alive_after(log, 0);
	process_log_free(log);
}

static void second_exec_replaces_the_first_in_the_table(void **state)
{
	struct process_log *log = new_log(10, 10);

	(void)state;
	assert_int_equal(start(log, 7, "sh"), 0);
	assert_int_equal(start(log, 7, "curl"), 0);
	assert_next_alive(log, 0, 7, "curl");
	assert_none_alive_after(log, 7);
	assert_int_equal(process_log_next_sequence(log), 3);
	process_log_free(log);
}

static void found_alive_is_in_the_table_and_not_in_the_log(void **state)
{
	struct process_log *log = new_log(10, 10);

	(void)state;
	assert_int_equal(find_alive(log, 7, "old"), 0);
	assert_next_alive(log, 0, 7, "old");
	assert_int_equal(process_log_next_sequence(log), 1);
	process_log_free(log);
}

static void found_alive_does_not_overrule_a_start_that_was_seen(void **state)
{
	struct process_log *log = new_log(10, 10);

	(void)state;
	assert_int_equal(start(log, 7, "new"), 0);
	assert_int_equal(find_alive(log, 7, "old"), 0);
	assert_next_alive(log, 0, 7, "new");
	process_log_free(log);
}

static void table_is_walked_in_order_of_tgid(void **state)
{
	static const uint32_t tgids[] = { 500, 3, UINT32_MAX, 77, 1, 4000000 };
	struct process_log *log = new_log(10, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(tgids) / sizeof(tgids[0]); i++)
		assert_int_equal(start(log, tgids[i], "x"), 0);
	assert_next_alive(log, 0, 1, "x");
	assert_next_alive(log, 1, 3, "x");
	assert_next_alive(log, 3, 77, "x");
	assert_next_alive(log, 77, 500, "x");
	assert_next_alive(log, 500, 4000000, "x");
	assert_next_alive(log, 4000000, UINT32_MAX, "x");
	assert_none_alive_after(log, UINT32_MAX);
	process_log_free(log);
}

static void walk_goes_on_where_it_was_when_the_table_changed(void **state)
{
	struct process_log *log = new_log(10, 10);

	(void)state;
	for (uint32_t tgid = 10; tgid <= 40; tgid += 10)
		assert_int_equal(start(log, tgid, "x"), 0);
	assert_next_alive(log, 10, 20, "x");
	assert_int_equal(end(log, 20), 0);
	assert_int_equal(start(log, 5, "x"), 0);
	assert_int_equal(start(log, 25, "x"), 0);
	assert_next_alive(log, 20, 25, "x");
	process_log_free(log);
}

static void late_reader_has_the_living_of_starts_that_gave_way(void **state)
{
	struct process_log *log = new_log(4, 100);
	struct record_log_entry entry;

	(void)state;
	assert_int_equal(start(log, 1000, "daemon"), 0);
	for (uint32_t tgid = 1; tgid <= 10; tgid++) {
		assert_int_equal(start(log, tgid, "short"), 0);
		assert_int_equal(end(log, tgid), 0);
	}
	assert_int_equal(process_log_get(log, 1, &entry), -ENOENT);
	assert_int_equal(process_log_first_sequence(log), 18);
	assert_next_alive(log, 0, 1000, "daemon");
	assert_none_alive_after(log, 1000);
	process_log_free(log);
}

static void full_table_is_counted_and_the_log_still_has_the_start(void **state)
{
	struct process_log *log = new_log(10, 2);

	(void)state;
	assert_int_equal(start(log, 1, "x"), 0);
	assert_int_equal(start(log, 2, "x"), 0);
	assert_int_equal(start(log, 3, "x"), -ENOSPC);
	assert_event(log, 3, EVENT_EXEC, 3);
	assert_none_alive_after(log, 2);
	assert_int_equal(process_log_get_stats(log)->n_table_full, 1);
	assert_int_equal(process_log_get_stats(log)->n_processes, 2);
	process_log_free(log);
}

static void full_table_still_takes_another_exec_of_one_it_has(void **state)
{
	struct process_log *log = new_log(10, 2);

	(void)state;
	assert_int_equal(start(log, 1, "sh"), 0);
	assert_int_equal(start(log, 2, "sh"), 0);
	assert_int_equal(start(log, 2, "curl"), 0);
	assert_next_alive(log, 1, 2, "curl");
	assert_int_equal(process_log_get_stats(log)->n_table_full, 0);
	process_log_free(log);
}

static void table_has_room_again_after_an_end(void **state)
{
	struct process_log *log = new_log(10, 1);

	(void)state;
	assert_int_equal(start(log, 1, "x"), 0);
	assert_int_equal(end(log, 1), 0);
	assert_int_equal(start(log, 2, "y"), 0);
	assert_next_alive(log, 0, 2, "y");
	process_log_free(log);
}

/* More than the table's first capacity, in an order that inserts everywhere. */
static void thousand_processes_are_all_found(void **state)
{
	struct process_log *log = new_log(10, 1000);
	struct record_log_entry entry;
	uint32_t tgid = 0, n = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(start(log, 1 + i * 7 % 1000, "x"), 0);
	while ((tgid = process_log_next_alive(log, tgid, &entry)) != 0)
		assert_int_equal(tgid, ++n);
	assert_int_equal(n, 1000);
	process_log_free(log);
}

static void free_takes_null(void **state)
{
	(void)state;
	process_log_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_goes_into_log_and_table),
		cmocka_unit_test(end_goes_into_log_and_out_of_table),
		cmocka_unit_test(end_of_an_unknown_process_is_logged),
		cmocka_unit_test(second_exec_replaces_the_first_in_the_table),
		cmocka_unit_test(found_alive_is_in_the_table_and_not_in_the_log),
		cmocka_unit_test(found_alive_does_not_overrule_a_start_that_was_seen),
		cmocka_unit_test(table_is_walked_in_order_of_tgid),
		cmocka_unit_test(walk_goes_on_where_it_was_when_the_table_changed),
		cmocka_unit_test(late_reader_has_the_living_of_starts_that_gave_way),
		cmocka_unit_test(full_table_is_counted_and_the_log_still_has_the_start),
		cmocka_unit_test(full_table_still_takes_another_exec_of_one_it_has),
		cmocka_unit_test(table_has_room_again_after_an_end),
		cmocka_unit_test(thousand_processes_are_all_found),
		cmocka_unit_test(free_takes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
