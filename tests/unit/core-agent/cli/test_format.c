/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_format(void (*format)(uint64_t value, char *out), uint64_t value,
			  const char *wanted)
{
	char out[FORMAT_SIZE];

	format(value, out);
	assert_string_equal(out, wanted);
}

static void counts_have_at_most_four_characters(void **state)
{
	(void)state;
	assert_format(format_count, 0, "0");
	assert_format(format_count, 999, "999");
	assert_format(format_count, 1000, "1.0k");
	assert_format(format_count, 9949, "9.9k");
	assert_format(format_count, 9950, "10k");
	assert_format(format_count, 999499, "999k");
	assert_format(format_count, 999500, "1.0M");
	assert_format(format_count, UINT64_MAX, "18E");
}

static void microseconds_take_the_unit_that_fits(void **state)
{
	(void)state;
	assert_format(format_us, 150, "150us");
	assert_format(format_us, 2500, "2.5ms");
	assert_format(format_us, 31000, "31ms");
	assert_format(format_us, 2000000, "2.0s");
	assert_format(format_us, 45000000, "45s");
}

static void durations_take_two_units(void **state)
{
	(void)state;
	assert_format(format_ms, 250, "250ms");
	assert_format(format_ms, 3200, "3.2s");
	assert_format(format_ms, 302000, "5m02s");
	assert_format(format_ms, 11400000, "3h10m");
	assert_format(format_ms, UINT64_C(1051200000), "12d4h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_have_at_most_four_characters),
		cmocka_unit_test(microseconds_take_the_unit_that_fits),
		cmocka_unit_test(durations_take_two_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
