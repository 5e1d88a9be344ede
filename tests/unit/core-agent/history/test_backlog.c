/* SPDX-License-Identifier: Apache-2.0 */
#include "history/backlog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAX_BYTES 100000

static int set_up(void **state)
{
	*state = backlog_new(MAX_BYTES);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	backlog_free(*state);
	return 0;
}

static int add(struct backlog *backlog, uint64_t id, const char *json)
{
	const struct history_record record = {
		.connection_id = id, .json = json, .json_size = strlen(json)};

	return backlog_add(backlog, &record);
}

static void records_come_out_in_order_with_their_text(void **state)
{
	struct history_record record;

	assert_int_equal(add(*state, 1, "{}"), 0);
	assert_int_equal(add(*state, 2, "{\"a\":1}"), 0);
	assert_int_equal(backlog_first(*state, &record), 0);
	assert_int_equal(record.connection_id, 1);
	assert_int_equal(record.json_size, 2);
	assert_int_equal(backlog_next(*state, &record), 0);
	assert_int_equal(record.connection_id, 2);
	assert_memory_equal(record.json, "{\"a\":1}", 7);
	assert_int_equal(backlog_next(*state, &record), -ENOENT);
}

static void empty_backlog_has_no_first(void **state)
{
	struct history_record record;

	assert_int_equal(backlog_first(*state, &record), -ENOENT);
}

static void record_beyond_the_maximum_is_refused_and_the_rest_stays(void **state)
{
	char text[MAX_BYTES / 2];
	struct history_record record;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(add(*state, 1, text), 0);
	assert_int_equal(add(*state, 2, text), -ENOSPC);
	assert_int_equal(backlog_first(*state, &record), 0);
	assert_int_equal(record.json_size, sizeof(text) - 1);
	assert_int_equal(backlog_next(*state, &record), -ENOENT);
}

static void cleared_backlog_is_empty_and_usable(void **state)
{
	struct history_record record;

	assert_int_equal(add(*state, 1, "{}"), 0);
	backlog_clear(*state);
	assert_int_equal(backlog_first(*state, &record), -ENOENT);
	assert_int_equal(add(*state, 3, "{}"), 0);
	assert_int_equal(backlog_first(*state, &record), 0);
	assert_int_equal(record.connection_id, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_come_out_in_order_with_their_text),
		TEST(empty_backlog_has_no_first),
		TEST(record_beyond_the_maximum_is_refused_and_the_rest_stays),
		TEST(cleared_backlog_is_empty_and_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
