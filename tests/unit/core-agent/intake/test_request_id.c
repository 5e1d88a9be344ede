/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intake/request_id.h"

#define NOON_ON_THE_2ND 1764676800 /* 2025-12-02T12:00:00Z */

static void upper_bits_are_the_seconds_since_the_month_began(void **state)
{
	(void)state;
	assert_int_equal(request_id_make(NOON_ON_THE_2ND, "h", 1, 0) >> 42, 36 * 3600);
	assert_int_equal(request_id_make(NOON_ON_THE_2ND - 36 * 3600, "h", 1, 0) >> 42, 0);
}

static void middle_bits_are_fnv1a_of_host_name_and_pid(void **state)
{
	(void)state;
	/* FNV-1a-32 of "foobar" is 0xbf9cf968, of which the lower 28 bits are kept. */
	assert_int_equal(request_id_make(NOON_ON_THE_2ND, "foobar", 1, 0) >> 14 & 0xfffffff,
			 (0x0f9cf968u ^ '1') * 16777619 & 0xfffffff);
}

static void batches_of_an_interval_differ_only_in_the_lower_bits(void **state)
{
	uint64_t first = request_id_make(NOON_ON_THE_2ND, "host", 42, 0);

	(void)state;
	assert_int_equal(first & 0x3fff, 0);
	assert_int_equal(request_id_make(NOON_ON_THE_2ND, "host", 42, 5), first | 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upper_bits_are_the_seconds_since_the_month_began),
		cmocka_unit_test(middle_bits_are_fnv1a_of_host_name_and_pid),
		cmocka_unit_test(batches_of_an_interval_differ_only_in_the_lower_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
