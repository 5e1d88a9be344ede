/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/table_view.h"

#include "facts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

struct fixture {
	struct table_view *view;
	struct table_frame frame;
	char *text;
	size_t size;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->view = table_view_new();
	fixture->frame = (struct table_frame){.width = 200,
					      .height = 24,
					      .tier = "trampoline",
					      .end_unix_ns = UINT64_C(1700000000) * SECOND,
					      .elapsed_ns = 2 * SECOND};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	table_view_free(fixture->view);
	free(fixture->text);
	free(fixture);
	return 0;
}

static void add(struct fixture *fixture, uint64_t id, enum connection_state connection_state,
		uint64_t bytes_sent, const char *comm)
{
	const struct connection connection = {.id = id,
					      .state = connection_state,
					      .protocol = CONNECTION_TCP,
					      .family = CONNECTION_IPV4,
					      .direction = CONNECTION_OUTGOING,
					      .local_address = {10, 0, 0, 1},
					      .local_port = 40000,
					      .remote_address = {10, 0, 0, 2},
					      .remote_port = 443,
					      .pid = 77,
					      .comm = comm,
					      .has_rtt = true,
					      .rtt_us = 1500,
					      .facts.known = FACTS_ALL_COUNTERS,
					      .interval = {.bytes_sent = bytes_sent}};

	table_view_add(fixture->view, &connection);
}

static const char *print(struct fixture *fixture)
{
	FILE *out;

	free(fixture->text);
	out = open_memstream(&fixture->text, &fixture->size);
	table_view_print(fixture->view, &fixture->frame, out);
	fclose(out);
	return fixture->text;
}

static size_t count(const char *text, char wanted)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == wanted;
	return n;
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strcspn(text, "\n") > longest)
			longest = strcspn(text, "\n");
	return longest;
}

static void busiest_connection_comes_first(void **state)
{
	const char *text;

	add(*state, 1, CONNECTION_OPEN, 10, "little");
	add(*state, 2, CONNECTION_OPEN, 1000, "much");
	text = print(*state);
	assert_true(strstr(text, "much") < strstr(text, "little"));
}

static void row_shows_what_is_known(void **state)
{
	const char *text;

	add(*state, 1, CONNECTION_OPEN, 4000, "curl");
	text = print(*state);
	assert_non_null(strstr(text, "10.0.0.1:40000"));
	assert_non_null(strstr(text, "10.0.0.2:443"));
	assert_non_null(strstr(text, "2.0k")); /* 4,000 bytes in 2 s */
	assert_non_null(strstr(text, "1500us"));
	assert_non_null(strstr(text, "77"));
}

static void closed_connection_is_added_to_its_open_row(void **state)
{
	const char *text;

	add(*state, 1, CONNECTION_OPEN, 400, "curl");
	add(*state, 1, CONNECTION_CLOSED, 600, "curl");
	text = print(*state);
	assert_non_null(strstr(text, "1 connections"));
	assert_non_null(strstr(text, "closed"));
	assert_null(strstr(text, "open"));
	assert_non_null(strstr(text, " 500 "));
}

static void add_ended(struct fixture *fixture, enum connection_state connection_state,
		      uint32_t error, bool is_reset)
{
	const struct connection connection = {.id = error + 100,
					      .state = connection_state,
					      .protocol = CONNECTION_TCP,
					      .family = CONNECTION_IPV4,
					      .error = error,
					      .facts.reset_sent = is_reset};

	table_view_add(fixture->view, &connection);
}

static void bad_end_is_named_by_one_word(void **state)
{
	const char *text;

	add_ended(*state, CONNECTION_FAILED, ECONNREFUSED, false);
	add_ended(*state, CONNECTION_FAILED, EHOSTUNREACH, false);
	add_ended(*state, CONNECTION_FAILED, EACCES, false);
	add_ended(*state, CONNECTION_CLOSED, ETIMEDOUT, false);
	add_ended(*state, CONNECTION_CLOSED, 0, true);
	text = print(*state);
	assert_non_null(strstr(text, " refused "));
	assert_non_null(strstr(text, " unreach "));
	assert_non_null(strstr(text, " failed "));
	assert_non_null(strstr(text, " timeout "));
	assert_non_null(strstr(text, " reset "));
	assert_null(strstr(text, " closed "));
}

static void bytes_that_are_not_known_have_no_rate(void **state)
{
	struct fixture *fixture = *state;

	add_ended(fixture, CONNECTION_CLOSED, 0, false);
	assert_non_null(strstr(print(fixture), "      -       -       -")); /* RTT as well */
}

static void rates_of_an_unknown_time_are_not_given(void **state)
{
	struct fixture *fixture = *state;

	fixture->frame.elapsed_ns = 0;
	add(fixture, 1, CONNECTION_OPEN, 4000, "curl");
	assert_non_null(strstr(print(fixture), "sent -B/s"));
}

static void frame_fits_the_height_and_counts_the_rest(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	fixture->frame.height = 10;
	for (uint64_t id = 1; id <= 100; id++)
		add(fixture, id, CONNECTION_OPEN, id, "curl");
	text = print(fixture);
	assert_int_equal(count(text, '\n'), 10);
	assert_non_null(strstr(text, "93 more"));
}

static void frame_fits_every_width(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 1, CONNECTION_OPEN, 4000, "curl");
	for (fixture->frame.width = 1; fixture->frame.width < 300; fixture->frame.width++)
		assert_true(longest_line(print(fixture)) <= fixture->frame.width);
}

static void narrow_frame_keeps_ends_process_and_rates(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	fixture->frame.width = 80;
	add(fixture, 1, CONNECTION_OPEN, 4000, "curl");
	text = print(fixture);
	assert_null(strstr(text, "CONTAINER"));
	assert_non_null(strstr(text, "LOCAL"));
	assert_non_null(strstr(text, "curl"));
	assert_non_null(strstr(text, "RECV/s"));
}

static void more_connections_than_rows_keep_the_busiest(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	fixture->frame.height = TABLE_VIEW_MAX_ROWS + 10;
	add(*state, 1, CONNECTION_OPEN, 1, "least");
	for (uint64_t id = 2; id <= TABLE_VIEW_MAX_ROWS; id++)
		add(*state, id, CONNECTION_OPEN, 100, "usual");
	add(*state, 100000, CONNECTION_OPEN, 99999, "most");
	text = print(*state);
	assert_non_null(strstr(text, "most"));
	assert_null(strstr(text, "least"));
	assert_non_null(strstr(text, "513 connections"));
}

static void control_characters_of_a_process_are_replaced(void **state)
{
	const char *text;

	add(*state, 1, CONNECTION_OPEN, 1, "a\033[2J");
	text = print(*state);
	assert_int_equal(count(text, '\033'), 0);
	assert_non_null(strstr(text, "a?[2J"));
}

static void terminal_frame_ends_with_a_visible_cursor(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	fixture->frame.is_terminal = true;
	text = print(fixture);
	assert_non_null(strstr(text, "\033[H"));
	assert_string_equal(text + strlen(text) - strlen("\033[?25h"), "\033[?25h");
}

static void colour_is_used_only_when_wanted(void **state)
{
	struct fixture *fixture = *state;

	fixture->frame.is_terminal = true;
	assert_null(strstr(print(fixture), "\033[7m"));
	fixture->frame.has_colour = true;
	assert_non_null(strstr(print(fixture), "\033[7m"));
}

static void losses_are_in_the_title(void **state)
{
	struct fixture *fixture = *state;
	const struct overflow overflow = {.cause = "x", .n_connections = 12};

	table_view_add_overflow(fixture->view, &overflow);
	assert_non_null(strstr(print(fixture), "lost 12"));
}

static void cleared_view_is_empty(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 1, CONNECTION_OPEN, 4000, "curl");
	table_view_clear(fixture->view);
	assert_null(strstr(print(fixture), "curl"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(busiest_connection_comes_first),
		TEST(row_shows_what_is_known),
		TEST(closed_connection_is_added_to_its_open_row),
		TEST(bad_end_is_named_by_one_word),
		TEST(bytes_that_are_not_known_have_no_rate),
		TEST(rates_of_an_unknown_time_are_not_given),
		TEST(frame_fits_the_height_and_counts_the_rest),
		TEST(frame_fits_every_width),
		TEST(narrow_frame_keeps_ends_process_and_rates),
		TEST(more_connections_than_rows_keep_the_busiest),
		TEST(control_characters_of_a_process_are_replaced),
		TEST(terminal_frame_ends_with_a_visible_cursor),
		TEST(colour_is_used_only_when_wanted),
		TEST(losses_are_in_the_title),
		TEST(cleared_view_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
