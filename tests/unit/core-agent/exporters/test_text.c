/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define FFFD "\xef\xbf\xbd"

static void assert_utf8(const char *text, const char *wanted)
{
	char out[64];
	size_t n = text_make_utf8(text, out, sizeof(out));

	assert_string_equal(out, wanted);
	assert_int_equal(n, strlen(wanted));
}

static void valid_utf8_stays(void **state)
{
	(void)state;
	assert_utf8("curl", "curl");
	assert_utf8("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void invalid_bytes_become_replacements(void **state)
{
	(void)state;
	assert_utf8("a\xff" "b", "a" FFFD "b");
	assert_utf8("\x80", FFFD);
	assert_utf8("\xc3", FFFD);
	assert_utf8("\xe2\x82", FFFD FFFD);
}

static void overlong_forms_and_surrogates_are_invalid(void **state)
{
	(void)state;
	assert_utf8("\xc0\x80", FFFD FFFD);
	assert_utf8("\xe0\x80\x80", FFFD FFFD FFFD);
	assert_utf8("\xed\xa0\x80", FFFD FFFD FFFD);
	assert_utf8("\xf0\x80\x80\x80", FFFD FFFD FFFD FFFD);
	assert_utf8("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD);
}

static void long_text_is_cut_at_a_whole_character(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(text_make_utf8("ab\xe2\x82\xac", out, sizeof(out)), 2);
	assert_string_equal(out, "ab");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	char out[32];

	(void)state;
	assert_int_equal(text_make_printable("a\033[2Jb\x7f\xc3", 20, out, sizeof(out)), 8);
	assert_string_equal(out, "a?[2Jb??");
}

static void printable_text_is_cut_to_its_width(void **state)
{
	char out[32];

	(void)state;
	assert_int_equal(text_make_printable("abcdef", 3, out, sizeof(out)), 3);
	assert_string_equal(out, "abc");
}

static void time_is_rfc_3339_with_milliseconds(void **state)
{
	char text[TEXT_TIME_SIZE];

	(void)state;
	text_format_time(UINT64_C(1700000000123999999), text);
	assert_string_equal(text, "2023-11-14T22:13:20.123Z");
}

static void addresses_are_printed_as_usual(void **state)
{
	static const uint8_t four[16] = {10, 0, 0, 1}, six[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	char text[INET6_ADDRSTRLEN];

	(void)state;
	text_format_address(CONNECTION_IPV4, four, text);
	assert_string_equal(text, "10.0.0.1");
	text_format_address(CONNECTION_IPV6, six, text);
	assert_string_equal(text, "2001:db8::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_utf8_stays),
		cmocka_unit_test(invalid_bytes_become_replacements),
		cmocka_unit_test(overlong_forms_and_surrogates_are_invalid),
		cmocka_unit_test(long_text_is_cut_at_a_whole_character),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(printable_text_is_cut_to_its_width),
		cmocka_unit_test(time_is_rfc_3339_with_milliseconds),
		cmocka_unit_test(addresses_are_printed_as_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
