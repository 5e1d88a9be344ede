/* SPDX-License-Identifier: Apache-2.0 */
#include "history_fixture.h"

#include <errno.h>

/* What history_print() writes, in a buffer of the caller's. */
static int print(const struct fixture *fixture, uint64_t limit, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	int r = history_print(fixture->path, limit, out);

	fclose(out);
	return r;
}

static void records_are_printed_one_a_line_oldest_first(void **state)
{
	char text[200] = "";

	store(*state, 1, "{\"id\":1}");
	store(*state, 2, "{\"id\":2}");
	assert_int_equal(print(*state, 0, text, sizeof(text)), 0);
	assert_string_equal(text, "{\"id\":1}\n{\"id\":2}\n");
}

static void limit_leaves_the_newest(void **state)
{
	char text[200] = "";

	store(*state, 1, "{\"id\":1}");
	store(*state, 2, "{\"id\":2}");
	assert_int_equal(print(*state, 1, text, sizeof(text)), 0);
	assert_string_equal(text, "{\"id\":2}\n");
}

static void records_can_be_read_while_an_interval_is_written(void **state)
{
	const struct connection_counters counters = {0};
	struct fixture *fixture = *state;
	char text[200] = "";

	store(fixture, 1, "{\"id\":1}");
	history_put_baseline(fixture->history, 2, &counters, false); /* opens the transaction */
	assert_int_equal(print(fixture, 0, text, sizeof(text)), 0);
	assert_string_equal(text, "{\"id\":1}\n");
}

static void file_whose_tables_are_not_made_yet_has_no_records(void **state)
{
	struct fixture *fixture = *state;
	char text[200] = "";

	history_close(fixture->history);
	fixture->history = NULL;
	assert_int_equal(truncate(fixture->path, 0), 0);
	assert_int_equal(print(fixture, 0, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void missing_file_is_an_error(void **state)
{
	(void)state;
	assert_true(history_print("/nonexistent/history.db", 0, stdout) < 0);
}

static void output_that_cannot_be_written_is_an_error(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct fixture *fixture = *state;

	store(fixture, 1, "{}");
	assert_int_equal(history_print(fixture->path, 0, out), -ENOSPC);
	fclose(out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_are_printed_one_a_line_oldest_first),
		TEST(limit_leaves_the_newest),
		TEST(records_can_be_read_while_an_interval_is_written),
		TEST(file_whose_tables_are_not_made_yet_has_no_records),
		TEST(missing_file_is_an_error),
		TEST(output_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
