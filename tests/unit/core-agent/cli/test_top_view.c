/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/top_view.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* `n` connections with the ids from 1, that have moved ID times `bytes`. */
static json_t *answer(const char *instance, const char *time, int n, int bytes)
{
	json_t *list = json_array();

	for (int i = 1; i <= n; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:s, s:i, s:s}", "time",
					time, "id", i, "probe_instance", instance, "state",
					i == 2 ? "failed" : "open", "bytes_sent", i * bytes,
					"bytes_received", 0, "pid", 100 - i, "remote_ip", "10.0.0.9",
					"remote_port", i, "comm", "curl"));
	return json_pack("{s:i, s:i, s:o}", "matched", n, "open", n, "connections", list);
}

static void take(struct top_view *view, const char *time, int n, int bytes)
{
	json_t *json = answer("a", time, n, bytes);

	assert_int_equal(top_view_take(view, json), 0);
	json_decref(json);
}

static int set_up(void **state)
{
	struct top_view *view = top_view_new();

	top_view_resize(view, 120, 8); /* five rows */
	*state = view;
	return 0;
}

static int tear_down(void **state)
{
	top_view_free(*state);
	return 0;
}

static json_int_t selected(const struct top_view *view)
{
	return json_integer_value(json_object_get(top_view_selected(view), "id"));
}

static void assert_line_has(const struct top_view *view, unsigned int line, const char *wanted)
{
	char text[TOP_MAX_WIDTH];

	(void)top_view_line(view, line, "", text);
	if (!strstr(text, wanted))
		fail_msg("\"%s\" is not in \"%s\"", wanted, text);
}

#define FIRST "2026-11-21T06:22:10.000Z"
#define SECOND "2026-11-21T06:22:12.500Z"

static void rate_is_what_was_moved_between_two_looks(void **state)
{
	take(*state, FIRST, 1, 1000);
	assert_line_has(*state, 2, "      - ");
	take(*state, SECOND, 1, 6000);
	assert_line_has(*state, 2, "2.0kB/s");
}

static void rate_stays_while_the_agent_has_not_looked_again(void **state)
{
	take(*state, FIRST, 1, 1000);
	take(*state, SECOND, 1, 6000);
	take(*state, SECOND, 1, 6000);
	assert_line_has(*state, 2, "2.0kB/s");
}

static void ids_of_another_probe_are_other_connections(void **state)
{
	json_t *json = answer("b", SECOND, 1, 6000);

	take(*state, FIRST, 1, 1000);
	assert_int_equal(top_view_take(*state, json), 0);
	assert_line_has(*state, 2, "      - ");
	json_decref(json);
}

static void rows_are_sorted_by_the_key_either_way(void **state)
{
	top_view_set_sort(*state, TOP_BYTES);
	take(*state, FIRST, 3, 1000);
	assert_line_has(*state, 2, "10.0.0.9:3");
	top_view_reverse(*state);
	assert_line_has(*state, 2, "10.0.0.9:1");
	top_view_reverse(*state);
	top_view_set_sort(*state, TOP_PID);
	assert_line_has(*state, 2, "10.0.0.9:1");
}

static void selection_stays_with_its_connection(void **state)
{
	top_view_set_sort(*state, TOP_BYTES);
	take(*state, FIRST, 9, 1000);
	top_view_move(*state, TOP_DOWN);
	assert_int_equal(selected(*state), 8);
	take(*state, SECOND, 9, 2000);
	assert_int_equal(selected(*state), 8);
	top_view_reverse(*state);
	assert_int_equal(selected(*state), 8);
	top_view_set_sort(*state, TOP_PID);
	assert_int_equal(selected(*state), 8);
}

static void screen_follows_the_selection(void **state)
{
	top_view_set_sort(*state, TOP_BYTES);
	take(*state, FIRST, 9, 1000);
	top_view_move(*state, TOP_END);
	assert_int_equal(selected(*state), 1);
	assert_line_has(*state, 0, "5-9 shown");
	top_view_move(*state, TOP_PAGE_UP);
	assert_int_equal(selected(*state), 6);
	top_view_move(*state, TOP_HOME);
	assert_line_has(*state, 0, "1-5 shown");
}

static void fewer_rows_than_before_keep_the_selection_inside(void **state)
{
	take(*state, FIRST, 9, 1000);
	top_view_move(*state, TOP_END);
	take(*state, SECOND, 0, 1000);
	assert_null(top_view_selected(*state));
	assert_line_has(*state, 0, "0-0 shown");
}

static void narrow_screens_leave_columns_out_and_cut_lines(void **state)
{
	char text[TOP_MAX_WIDTH];

	take(*state, FIRST, 1, 1000);
	assert_line_has(*state, 1, "CONTAINER");
	for (unsigned int width = 0; width < 200; width++) {
		top_view_resize(*state, width, 8);
		for (unsigned int line = 0; line < 4; line++) {
			(void)top_view_line(*state, line, "a note", text);
			assert_true(strlen(text) <= width);
		}
	}
	top_view_resize(*state, 70, 8);
	(void)top_view_line(*state, 1, "", text);
	assert_null(strstr(text, "CONTAINER"));
	assert_non_null(strstr(text, "REMOTE"));
}

static void screens_without_room_are_no_trouble(void **state)
{
	take(*state, FIRST, 9, 1000);
	for (unsigned int height = 0; height < 5; height++) {
		top_view_resize(*state, 80, height);
		top_view_move(*state, TOP_END);
		top_view_move(*state, TOP_HOME);
	}
}

static void failed_connections_stand_out(void **state)
{
	char text[TOP_MAX_WIDTH];

	top_view_set_sort(*state, TOP_BYTES);
	take(*state, FIRST, 3, 1000);
	assert_int_equal(top_view_line(*state, 2, "", text), TOP_SELECTED);
	assert_int_equal(top_view_line(*state, 3, "", text), TOP_FAILED);
	assert_int_equal(top_view_line(*state, 4, "", text), TOP_PLAIN);
}

static void what_is_searched_for_tells_where(void **state)
{
	(void)state;
	assert_string_equal(top_search_parameter("10.0.0.1"), "remote");
	assert_string_equal(top_search_parameter("10.0.0.0/8"), "remote");
	assert_string_equal(top_search_parameter("fd00::1"), "remote");
	assert_string_equal(top_search_parameter("443"), "port");
	assert_string_equal(top_search_parameter("65536"), "search");
	assert_string_equal(top_search_parameter("0"), "search");
	assert_string_equal(top_search_parameter("nginx"), "search");
}

static void sort_keys_have_names(void **state)
{
	enum top_sort sort = TOP_RATE;

	(void)state;
	assert_int_equal(top_sort_parse("rtt", &sort), 0);
	assert_int_equal(sort, TOP_RTT);
	assert_int_equal(top_sort_parse("nothing", &sort), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rate_is_what_was_moved_between_two_looks),
		TEST(rate_stays_while_the_agent_has_not_looked_again),
		TEST(ids_of_another_probe_are_other_connections),
		TEST(rows_are_sorted_by_the_key_either_way),
		TEST(selection_stays_with_its_connection),
		TEST(screen_follows_the_selection),
		TEST(fewer_rows_than_before_keep_the_selection_inside),
		TEST(narrow_screens_leave_columns_out_and_cut_lines),
		TEST(screens_without_room_are_no_trouble),
		TEST(failed_connections_stand_out),
		TEST(what_is_searched_for_tells_where),
		TEST(sort_keys_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
