/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intake/murmur3.h"

static void known_words_hash_as_published(void **state)
{
	(void)state;
	assert_int_equal(murmur3_32("hello", 5), 0x248bfa47);
	assert_int_equal(murmur3_32("env:prod", 8), 0x106d8a80);
	assert_int_equal(murmur3_32("service:web", 11), 0x9f1c93dd);
}

static void empty_input_hashes_to_zero(void **state)
{
	(void)state;
	assert_int_equal(murmur3_32("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_words_hash_as_published),
		cmocka_unit_test(empty_input_hashes_to_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
