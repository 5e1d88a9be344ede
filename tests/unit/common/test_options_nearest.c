/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct option table[] = {
	{ .key = "log_level" },
	{ .key = "network_config.enabled" },
	{ .key = "network_config.dns_monitoring_ports" },
	{ .key = "system_probe_config.sysprobe_socket" },
};

static const char *nearest(const char *key)
{
	static char out[OPTION_MAX_KEY_BYTES];

	options_nearest(table, sizeof(table) / sizeof(table[0]), key, out, sizeof(out));
	return out;
}

static void swapped_letters_are_found(void **state)
{
	(void)state;
	assert_string_equal(nearest("network_config.enabeld"), "network_config.enabled");
}

static void swap_counts_less_than_two_replacements(void **state)
{
	static const struct option two[] = { { .key = "abXX" }, { .key = "ba" } };
	char out[8];

	(void)state;
	/* "ab" -> "ba" is one swap; "ab" -> "abXX" two insertions, as would be two replacements. */
	options_nearest(two, 2, "ab", out, sizeof(out));
	assert_string_equal(out, "ba");
}

static void missing_letter_is_found(void **state)
{
	(void)state;
	assert_string_equal(nearest("log_lvel"), "log_level");
}

static void misspelt_section_gives_the_section_not_a_key_in_it(void **state)
{
	(void)state;
	assert_string_equal(nearest("networkconfig"), "network_config");
}

static void right_word_in_the_wrong_place_gives_its_whole_key(void **state)
{
	(void)state;
	assert_string_equal(nearest("sysprobe_socket"), "system_probe_config.sysprobe_socket");
}

static void key_longer_than_what_is_compared_still_gets_an_answer(void **state)
{
	char key[OPTION_MAX_KEY_BYTES];

	(void)state;
	memset(key, 'x', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';

	assert_true(strlen(nearest(key)) > 0);
}

static void answer_is_cut_to_its_buffer(void **state)
{
	char out[4];

	(void)state;
	options_nearest(table, 1, "log_level", out, sizeof(out));
	assert_string_equal(out, "log");
}

static void empty_table_gives_an_empty_answer(void **state)
{
	char out[4] = "x";

	(void)state;
	options_nearest(table, 0, "log_level", out, sizeof(out));
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swapped_letters_are_found),
		cmocka_unit_test(swap_counts_less_than_two_replacements),
		cmocka_unit_test(missing_letter_is_found),
		cmocka_unit_test(misspelt_section_gives_the_section_not_a_key_in_it),
		cmocka_unit_test(right_word_in_the_wrong_place_gives_its_whole_key),
		cmocka_unit_test(key_longer_than_what_is_compared_still_gets_an_answer),
		cmocka_unit_test(answer_is_cut_to_its_buffer),
		cmocka_unit_test(empty_table_gives_an_empty_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
