/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/backoff.h"

static void delay_doubles_with_each_failure(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(1, 0, 0), 500);
	assert_int_equal(backoff_delay_ms(2, 0, 0), 1000);
	assert_int_equal(backoff_delay_ms(3, 0, 0), 2000);
}

static void delay_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(UINT32_MAX, 0, BACKOFF_MAX_MS / 2), BACKOFF_MAX_MS);
}

static void random_spreads_over_the_upper_half(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(1, 0, 500), 1000);
	assert_int_equal(backoff_delay_ms(1, 0, 501), 500);
}

static void retry_after_lengthens_the_delay(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(1, 7, 0), 7000);
}

static void retry_after_never_shortens_the_delay(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(10, 1, 0), BACKOFF_MAX_MS / 2);
}

static void retry_after_is_believed_up_to_a_maximum(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(1, INT64_MAX, 0), BACKOFF_MAX_RETRY_AFTER_S * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delay_doubles_with_each_failure),
		cmocka_unit_test(delay_is_bounded),
		cmocka_unit_test(random_spreads_over_the_upper_half),
		cmocka_unit_test(retry_after_lengthens_the_delay),
		cmocka_unit_test(retry_after_never_shortens_the_delay),
		cmocka_unit_test(retry_after_is_believed_up_to_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
