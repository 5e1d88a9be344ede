/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* On the heap at its exact size, so that a sanitizer sees a read beyond it. */
static void assert_made(const char *text, const char *wanted)
{
	size_t size = strlen(text);
	char *copy = malloc(size);

	assert_non_null(copy);
	memcpy(copy, text, size);
	utf8_replace_invalid(copy, size);
	assert_int_equal(strlen(wanted), size);
	assert_memory_equal(copy, wanted, size);
	free(copy);
}

static void valid_characters_of_each_size_stay(void **state)
{
	(void)state;
	assert_made("curl", "curl");
	assert_made("\xc2\x80 \xdf\xbf", "\xc2\x80 \xdf\xbf");
	assert_made("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf",
		    "\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf");
	assert_made("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf");
}

static void stray_bytes_become_question_marks_one_for_one(void **state)
{
	(void)state;
	assert_made("caf\xe9", "caf?");
	assert_made("\x80" "a\xff\xfe" "b\xbf", "?a??b?");
	assert_made("\xc3(", "?(");
	assert_made("\xe2\x82" "a\xc3\xa9", "??a\xc3\xa9");
}

static void cut_characters_become_question_marks(void **state)
{
	(void)state;
	assert_made("a\xc3", "a?");
	assert_made("a\xe2\x82", "a??");
	assert_made("a\xf0\x9f\x98", "a???");
}

static void overlong_forms_surrogates_and_beyond_become_question_marks(void **state)
{
	(void)state;
	assert_made("\xc0\x80", "??");
	assert_made("\xc1\xbf", "??");
	assert_made("\xe0\x9f\xbf", "???");
	assert_made("\xf0\x8f\xbf\xbf", "????");
	assert_made("\xed\xa0\x80", "???");
	assert_made("\xed\xbf\xbf", "???");
	assert_made("\xf4\x90\x80\x80", "????");
	assert_made("\xf5\x80\x80\x80", "????");
}

static void size_of_a_character_is_0_where_there_is_none(void **state)
{
	(void)state;
	assert_int_equal(utf8_character_size("", 0), 0);
	assert_int_equal(utf8_character_size("", 1), 1);
	assert_int_equal(utf8_character_size("\xe2\x82\xac", 3), 3);
	assert_int_equal(utf8_character_size("\xe2\x82\xac", 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_characters_of_each_size_stay),
		cmocka_unit_test(stray_bytes_become_question_marks_one_for_one),
		cmocka_unit_test(cut_characters_become_question_marks),
		cmocka_unit_test(overlong_forms_surrogates_and_beyond_become_question_marks),
		cmocka_unit_test(size_of_a_character_is_0_where_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
