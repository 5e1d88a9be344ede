/* SPDX-License-Identifier: Apache-2.0 */
#include "tags/tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_tag(const char *key, const char *value, const char *expected)
{
	char tag[TAG_SIZE];

	assert_int_equal(tag_format(key, value, tag, NULL), strlen(expected));
	assert_string_equal(tag, expected);
}

static void key_is_lower_case_and_value_keeps_its_case(void **state)
{
	(void)state;
	assert_tag("Image_Name", "Registry/App", "image_name:Registry/App");
}

static void key_keeps_what_keys_may_have_and_begins_with_a_letter(void **state)
{
	(void)state;
	assert_tag("9app.kubernetes.io/part of", "x", "app.kubernetes.io/part_of:x");
}

static void separators_and_control_characters_become_underscores(void **state)
{
	(void)state;
	assert_tag("k", " a b,c\td\x7f" "e ", "k:a_b_c_d_e");
}

static void bytes_that_are_not_utf8_become_underscores(void **state)
{
	(void)state;
	assert_tag("k", "caf\xc3\xa9\xff!", "k:caf\xc3\xa9_!");
}

static void nothing_left_is_no_tag(void **state)
{
	(void)state;
	assert_tag("", "x", "");
	assert_tag("12", "x", "");
	assert_tag("k", "", "");
	assert_tag("k", " , ", "");
}

static void long_value_is_cut_at_a_whole_character(void **state)
{
	char value[3 * TAG_MAX_BYTES] = "", tag[TAG_SIZE];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(value); i += 2)
		memcpy(value + i, "\xc3\xa9", 2);
	assert_int_equal(tag_format("k", value, tag, NULL), TAG_MAX_BYTES);
	assert_memory_equal(tag + TAG_MAX_BYTES - 2, "\xc3\xa9", 3);
	assert_int_equal(tag_format("kk", value, tag, NULL), TAG_MAX_BYTES - 1);
}

static void long_key_is_cut(void **state)
{
	char key[2 * TAG_MAX_KEY_BYTES + 1], tag[TAG_SIZE];

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	assert_int_equal(tag_format(key, "v", tag, NULL), TAG_MAX_KEY_BYTES + 2);
}

static bool is_cut(const char *key, const char *value)
{
	char tag[TAG_SIZE];
	bool is_cut = false;

	(void)tag_format(key, value, tag, &is_cut);
	return is_cut;
}

static void what_did_not_fit_whole_is_told(void **state)
{
	char text[2 * TAG_MAX_BYTES];

	(void)state;
	memset(text, 'k', sizeof(text));
	text[TAG_MAX_BYTES - 2] = '\0';
	assert_false(is_cut("k", text));
	assert_true(is_cut("kk", text));
	text[TAG_MAX_KEY_BYTES] = '\0';
	assert_false(is_cut(text, "v"));
	text[TAG_MAX_KEY_BYTES] = 'k';
	assert_true(is_cut(text, "v"));
}

static void what_becomes_longer_by_cleaning_may_be_cut(void **state)
{
	char value[TAG_MAX_BYTES / 2];

	(void)state;
	memset(value, 0xff, sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_true(is_cut("k", value));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_is_lower_case_and_value_keeps_its_case),
		cmocka_unit_test(key_keeps_what_keys_may_have_and_begins_with_a_letter),
		cmocka_unit_test(separators_and_control_characters_become_underscores),
		cmocka_unit_test(bytes_that_are_not_utf8_become_underscores),
		cmocka_unit_test(nothing_left_is_no_tag),
		cmocka_unit_test(long_value_is_cut_at_a_whole_character),
		cmocka_unit_test(long_key_is_cut),
		cmocka_unit_test(what_did_not_fit_whole_is_told),
		cmocka_unit_test(what_becomes_longer_by_cleaning_may_be_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
