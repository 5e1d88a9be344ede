/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include "options_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct sample sample;
	struct options_problem problem;
};

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	assert_non_null(*state);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	options_free(sample_table, SAMPLE_N, &fixture->sample);
	free(fixture);
	return 0;
}

static const struct option *row_of(const char *key)
{
	size_t i = 0;

	while (strcmp(sample_table[i].key, key) != 0)
		i++;
	return &sample_table[i];
}

static int set(void **state, const char *key, const char *text)
{
	struct fixture *fixture = *state;

	return options_value_set(row_of(key), &fixture->sample, text, strlen(text),
				 &fixture->problem);
}

/* `text` is refused with exactly this problem. */
static void expect_problem(void **state, const char *key, const char *text, const char *problem)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(state, key, text), -EINVAL);
	assert_string_equal(fixture->problem.text, problem);
}

static void each_word_for_true_is_true(void **state)
{
	static const char *const words[] = { "true", "yes", "on", "1", "TRUE", "Yes" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fixture->sample.is_enabled = false;
		assert_int_equal(set(state, "network_config.enabled", words[i]), 0);
		assert_true(fixture->sample.is_enabled);
	}
}

static void each_word_for_false_is_false(void **state)
{
	static const char *const words[] = { "false", "no", "off", "0", "FALSE", "Off" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fixture->sample.is_enabled = true;
		assert_int_equal(set(state, "network_config.enabled", words[i]), 0);
		assert_false(fixture->sample.is_enabled);
	}
}

static void other_words_are_no_boolean(void **state)
{
	expect_problem(state, "network_config.enabled", "2",
		       "\"2\" is neither true nor false; allowed: true or false");
}

static void number_at_each_limit_is_accepted(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(state, "cmd_port", "1"), 0);
	assert_int_equal(fixture->sample.port, 1);
	assert_int_equal(set(state, "cmd_port", "65535"), 0);
	assert_int_equal(fixture->sample.port, 65535);
}

static void number_below_the_limit_is_refused(void **state)
{
	expect_problem(state, "cmd_port", "0",
		       "\"0\" is out of range; allowed: a whole number from 1 to 65535");
}

static void number_above_the_limit_is_refused(void **state)
{
	expect_problem(state, "cmd_port", "65536",
		       "\"65536\" is out of range; allowed: a whole number from 1 to 65535");
}

static void number_without_limits_takes_the_whole_range(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(state, "any_number", "9223372036854775807"), 0);
	assert_true(fixture->sample.any_number == INT64_MAX);
	assert_int_equal(set(state, "any_number", "-9223372036854775807"), 0);
	assert_true(fixture->sample.any_number == -INT64_MAX);
}

static void number_over_64_bits_is_out_of_range(void **state)
{
	expect_problem(state, "any_number", "18446744073709551616",
		       "\"18446744073709551616\" is out of range; allowed: a whole number");
	expect_problem(state, "any_number", "9223372036854775808",
		       "\"9223372036854775808\" is out of range; allowed: a whole number");
}

static void text_around_a_number_is_refused(void **state)
{
	assert_int_equal(set(state, "any_number", "5 "), -EINVAL);
	assert_int_equal(set(state, "any_number", "+5"), -EINVAL);
	assert_int_equal(set(state, "any_number", "0x5"), -EINVAL);
	assert_int_equal(set(state, "any_number", "5.0"), -EINVAL);
	assert_int_equal(set(state, "any_number", "-"), -EINVAL);
	assert_int_equal(set(state, "any_number", ""), -EINVAL);
}

static void duration_out_of_range_names_the_range_in_units(void **state)
{
	expect_problem(state, "network_config.poll.interval", "999ms",
		       "\"999ms\" is out of range; allowed: a duration such as 500ms, 30s, 5m or "
		       "1h, from 1s to 1h");
	assert_int_equal(set(state, "network_config.poll.interval", "61m"), -EINVAL);
}

static void duration_at_each_limit_is_accepted(void **state)
{
	assert_int_equal(set(state, "network_config.poll.interval", "1000ms"), 0);
	assert_int_equal(set(state, "network_config.poll.interval", "60m"), 0);
}

static void text_that_is_no_duration_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(state, "network_config.poll.interval", "soon"), -EINVAL);
	assert_non_null(strstr(fixture->problem.text, "\"soon\" is not a duration"));
}

static void choice_is_found_in_any_case(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(state, "log_level", "WARN"), 0);
	assert_int_equal(fixture->sample.level, SAMPLE_WARN);
}

static void unknown_choice_lists_the_known_ones(void **state)
{
	expect_problem(state, "log_level", "trace",
		       "\"trace\" is not known; allowed: one of error, warn, info");
}

static void beginning_of_a_choice_is_not_the_choice(void **state)
{
	assert_int_equal(set(state, "log_level", "inf"), -EINVAL);
	assert_int_equal(set(state, "log_level", "infos"), -EINVAL);
}

static void text_of_4096_bytes_is_accepted(void **state)
{
	struct fixture *fixture = *state;
	char text[OPTION_MAX_STRING_BYTES + 1] = "";

	memset(text, 'x', OPTION_MAX_STRING_BYTES);

	assert_int_equal(set(state, "path", text), 0);
	assert_string_equal(fixture->sample.path, text);
}

static void text_of_4097_bytes_is_refused_and_shown_in_part(void **state)
{
	char text[OPTION_MAX_STRING_BYTES + 2] = "";

	memset(text, 'x', OPTION_MAX_STRING_BYTES + 1);

	expect_problem(state, "path", text,
		       "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" is too long; "
		       "allowed: text of at most 4096 bytes");
}

static void new_text_replaces_the_old(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(state, "path", "first"), 0);
	assert_int_equal(set(state, "path", "second"), 0);

	assert_string_equal(fixture->sample.path, "second");
}

static void words_are_split_at_spaces_and_commas(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(state, "exporters", " a,b  c, d,"), 0);

	assert_int_equal(fixture->sample.exporters.n, 4);
	assert_string_equal(fixture->sample.exporters.items[0], "a");
	assert_string_equal(fixture->sample.exporters.items[3], "d");
}

static void refused_list_leaves_the_old_one(void **state)
{
	struct fixture *fixture = *state;
	char text[2 * (OPTION_MAX_LIST + 1) + 1] = "";

	for (size_t i = 0; i < OPTION_MAX_LIST + 1; i++)
		memcpy(text + 2 * i, "x ", 2);
	assert_int_equal(set(state, "exporters", "a b"), 0);
	assert_int_equal(set(state, "exporters", text), -EINVAL);

	assert_int_equal(fixture->sample.exporters.n, 2);
	assert_string_equal(fixture->sample.exporters.items[1], "b");
}

static void empty_item_of_a_sequence_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(options_value_add_to_list(row_of("exporters"), &fixture->sample, "", 0,
						   &fixture->problem), -EINVAL);
	assert_non_null(strstr(fixture->problem.text, "is an empty item"));
}

static void terminal_sequences_in_a_refused_value_are_not_shown(void **state)
{
	expect_problem(state, "log_level", "\x1b[2J\n",
		       "\"?[2J?\" is not known; allowed: one of error, warn, info");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_word_for_true_is_true),
		TEST(each_word_for_false_is_false),
		TEST(other_words_are_no_boolean),
		TEST(number_at_each_limit_is_accepted),
		TEST(number_below_the_limit_is_refused),
		TEST(number_above_the_limit_is_refused),
		TEST(number_without_limits_takes_the_whole_range),
		TEST(number_over_64_bits_is_out_of_range),
		TEST(text_around_a_number_is_refused),
		TEST(duration_out_of_range_names_the_range_in_units),
		TEST(duration_at_each_limit_is_accepted),
		TEST(text_that_is_no_duration_is_refused),
		TEST(choice_is_found_in_any_case),
		TEST(unknown_choice_lists_the_known_ones),
		TEST(beginning_of_a_choice_is_not_the_choice),
		TEST(text_of_4096_bytes_is_accepted),
		TEST(text_of_4097_bytes_is_refused_and_shown_in_part),
		TEST(new_text_replaces_the_old),
		TEST(words_are_split_at_spaces_and_commas),
		TEST(refused_list_leaves_the_old_one),
		TEST(empty_item_of_a_sequence_is_refused),
		TEST(terminal_sequences_in_a_refused_value_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
