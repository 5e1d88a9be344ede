/* SPDX-License-Identifier: Apache-2.0 */
#include "environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK(text) text, sizeof(text) - 1

static struct environment_picker picked(const char *block, size_t size)
{
	struct environment_picker picker = { .size = 0 };

	environment_pick(&picker, block, size);
	environment_pick_end(&picker);
	return picker;
}

static void assert_picked(const char *block, size_t size, const char *kept, size_t kept_size)
{
	struct environment_picker picker = picked(block, size);

	assert_int_equal(picker.size, kept_size);
	assert_memory_equal(picker.kept, kept, kept_size);
}

static void only_the_five_variables_are_kept_in_their_order(void **state)
{
	(void)state;
	assert_picked(BLOCK("HOME=/root\0OTEL_SERVICE_NAME=a\0DD_API_KEY=secret\0DD_SERVICE=b\0"
			    "OTEL_RESOURCE_ATTRIBUTES=c=d\0DD_VERSION=1\0PATH=/bin\0DD_ENV=prod\0"),
		      BLOCK("OTEL_SERVICE_NAME=a\0DD_SERVICE=b\0OTEL_RESOURCE_ATTRIBUTES=c=d\0"
			    "DD_VERSION=1\0DD_ENV=prod\0"));
}

static void names_that_only_begin_or_end_alike_are_passed_over(void **state)
{
	(void)state;
	assert_picked(BLOCK("DD_SERVICE_MAPPING=x\0DD_SERVICE\0dd_service=x\0XDD_SERVICE=x\0"
			    "DD_ENVIRONMENT=x\0=DD_ENV=x\0"),
		      BLOCK(""));
}

static void value_that_looks_like_a_variable_is_not_one(void **state)
{
	(void)state;
	assert_picked(BLOCK("PS1=DD_ENV=x\nDD_SERVICE=y\0"), BLOCK(""));
}

static void empty_value_and_missing_last_nul_are_taken(void **state)
{
	(void)state;
	assert_picked(BLOCK("DD_ENV=\0DD_SERVICE=last"), BLOCK("DD_ENV=\0DD_SERVICE=last\0"));
}

static void pieces_of_any_size_give_the_same(void **state)
{
	static const char block[] = "A=1\0DD_SERVICE=shop\0B=DD_ENV=x\0DD_ENV=prod\0";
	struct environment_picker picker = { .size = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(block) - 1; i++)
		environment_pick(&picker, block + i, 1);
	environment_pick_end(&picker);
	assert_int_equal(picker.size, sizeof("DD_SERVICE=shop\0DD_ENV=prod"));
	assert_memory_equal(picker.kept, "DD_SERVICE=shop\0DD_ENV=prod", picker.size);
}

static void long_value_loses_its_end_and_what_follows_is_kept(void **state)
{
	char block[3000] = "DD_SERVICE=";
	struct environment_picker picker;

	(void)state;
	memset(block + 11, 'x', 2000);
	memcpy(block + 2012, "DD_ENV=prod", 12);
	picker = picked(block, 2024);
	assert_true(picker.is_cut);
	assert_int_equal(strlen(picker.kept), ENVIRONMENT_MAX_ENTRY_BYTES - 1);
	assert_string_equal(picker.kept + ENVIRONMENT_MAX_ENTRY_BYTES, "DD_ENV=prod");
}

static void long_variable_of_another_name_cuts_nothing(void **state)
{
	char block[3000] = "OTHER=";
	struct environment_picker picker;

	(void)state;
	memset(block + 6, 'x', 2000);
	memcpy(block + 2007, "DD_ENV=prod", 12);
	picker = picked(block, 2019);
	assert_false(picker.is_cut);
	assert_string_equal(picker.kept, "DD_ENV=prod");
}

static void repeated_variables_end_at_the_room_for_all(void **state)
{
	struct environment_picker picker = { .size = 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		environment_pick(&picker, BLOCK("DD_ENV=12345678\0"));
	assert_true(picker.is_cut);
	assert_int_equal(picker.size, 97 * 16); /* the first that leaves less than one's room */
}

static void value_begins_behind_the_first_equals_sign(void **state)
{
	size_t value_at = 0;

	(void)state;
	assert_int_equal(environment_which(BLOCK("DD_VERSION=1=2"), &value_at),
			 ENVIRONMENT_DD_VERSION);
	assert_int_equal(value_at, 11);
	assert_int_equal(environment_which(BLOCK("DD_VERSION"), &value_at),
			 ENVIRONMENT_N_VARIABLES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_five_variables_are_kept_in_their_order),
		cmocka_unit_test(names_that_only_begin_or_end_alike_are_passed_over),
		cmocka_unit_test(value_that_looks_like_a_variable_is_not_one),
		cmocka_unit_test(empty_value_and_missing_last_nul_are_taken),
		cmocka_unit_test(pieces_of_any_size_give_the_same),
		cmocka_unit_test(long_value_loses_its_end_and_what_follows_is_kept),
		cmocka_unit_test(long_variable_of_another_name_cuts_nothing),
		cmocka_unit_test(repeated_variables_end_at_the_room_for_all),
		cmocka_unit_test(value_begins_behind_the_first_equals_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
