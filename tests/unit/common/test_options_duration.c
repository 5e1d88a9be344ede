/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static uint64_t parsed(const char *text)
{
	uint64_t ns = 0;

	assert_int_equal(options_duration_parse(text, strlen(text), &ns), 0);
	return ns;
}

static int refused(const char *text)
{
	uint64_t ns;

	return options_duration_parse(text, strlen(text), &ns);
}

static const char *formatted(uint64_t ns)
{
	static char text[32];

	options_duration_format(ns, text, sizeof(text));
	return text;
}

static void each_unit_has_its_length(void **state)
{
	(void)state;
	assert_int_equal(parsed("7ns"), 7);
	assert_int_equal(parsed("7us"), 7000);
	assert_int_equal(parsed("500ms"), SECOND / 2);
	assert_int_equal(parsed("30s"), 30 * SECOND);
	assert_int_equal(parsed("5m"), 300 * SECOND);
	assert_int_equal(parsed("1h"), 3600 * SECOND);
}

static void plain_number_is_seconds(void **state)
{
	(void)state;
	assert_int_equal(parsed("90"), 90 * SECOND);
	assert_int_equal(parsed("0"), 0);
}

static void parts_are_added(void **state)
{
	(void)state;
	assert_int_equal(parsed("1h30m5s"), 5405 * SECOND);
}

static void other_text_is_refused(void **state)
{
	(void)state;
	assert_int_equal(refused(""), -EINVAL);
	assert_int_equal(refused("s"), -EINVAL);
	assert_int_equal(refused("5 s"), -EINVAL);
	assert_int_equal(refused("-5s"), -EINVAL);
	assert_int_equal(refused("1.5s"), -EINVAL);
	assert_int_equal(refused("5S"), -EINVAL);
	assert_int_equal(refused("5sec"), -EINVAL);
	assert_int_equal(refused("5s5"), -EINVAL);
}

static void overflow_is_erange(void **state)
{
	(void)state;
	assert_int_equal(refused("18446744073709551616"), -ERANGE);
	assert_int_equal(refused("18446744074"), -ERANGE);
	assert_int_equal(refused("5124096h"), -ERANGE);
	assert_int_equal(refused("5124095h5124095h"), -ERANGE);
}

static void bytes_after_the_size_are_not_read(void **state)
{
	uint64_t ns;

	(void)state;
	assert_int_equal(options_duration_parse("12s34", 3, &ns), 0);
	assert_int_equal(ns, 12 * SECOND);
	assert_int_equal(options_duration_parse("12s", 1, &ns), 0);
	assert_int_equal(ns, SECOND);
}

static void format_takes_the_largest_unit_that_divides(void **state)
{
	(void)state;
	assert_string_equal(formatted(0), "0s");
	assert_string_equal(formatted(90 * SECOND), "90s");
	assert_string_equal(formatted(3600 * SECOND), "1h");
	assert_string_equal(formatted(SECOND / 2), "500ms");
	assert_string_equal(formatted(1), "1ns");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_unit_has_its_length),
		cmocka_unit_test(plain_number_is_seconds),
		cmocka_unit_test(parts_are_added),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(overflow_is_erange),
		cmocka_unit_test(bytes_after_the_size_are_not_read),
		cmocka_unit_test(format_takes_the_largest_unit_that_divides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
