/* SPDX-License-Identifier: Apache-2.0 */
#include "tags/tag_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tags/tag.h"

static void a_tag_is_there_once(void **state)
{
	struct tag_list list;

	(void)state;
	tag_list_clear(&list);
	tag_list_add(&list, "a", "1");
	tag_list_add(&list, "A", "1");
	tag_list_add(&list, "a", "2");
	assert_int_equal(list.n, 2);
	assert_string_equal(tag_list_get(&list, 1), "a:2");
}

static void nothing_adds_nothing(void **state)
{
	struct tag_list list;

	(void)state;
	tag_list_clear(&list);
	tag_list_add(&list, "a", NULL);
	tag_list_add(&list, "a", "");
	tag_list_add(&list, "", "1");
	assert_int_equal(list.n, 0);
	assert_int_equal(list.n_left_out, 0);
}

static void tags_beyond_the_maximum_are_counted(void **state)
{
	struct tag_list list;
	char value[16];

	(void)state;
	tag_list_clear(&list);
	for (int i = 0; i < TAG_LIST_MAX_TAGS + 3; i++) {
		(void)snprintf(value, sizeof(value), "%d", i);
		tag_list_add(&list, "a", value);
	}
	assert_int_equal(list.n, TAG_LIST_MAX_TAGS);
	assert_int_equal(list.n_left_out, 3);
}

static void bytes_beyond_the_maximum_are_counted(void **state)
{
	struct tag_list list;
	char value[190];
	size_t n_fit = TAG_LIST_MAX_BYTES / (sizeof(value) + 2);

	(void)state;
	tag_list_clear(&list);
	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (size_t i = 0; i < n_fit + 2; i++) {
		(void)snprintf(value, sizeof(value), "%0188zu", i);
		tag_list_add(&list, "a", value);
	}
	assert_int_equal(list.n + list.n_left_out, n_fit + 2);
	assert_true(list.n_left_out > 0);
}

static void tags_that_were_cut_are_counted(void **state)
{
	struct tag_list list;
	char value[TAG_MAX_BYTES];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	tag_list_clear(&list);
	tag_list_add(&list, "a", value);
	tag_list_add(&list, "a", "1");
	assert_int_equal(list.n_cut, 1);
}

static void sorted_is_in_the_order_of_bytes(void **state)
{
	struct tag_list list;

	(void)state;
	tag_list_clear(&list);
	tag_list_add(&list, "b", "1");
	tag_list_add(&list, "a", "2");
	tag_list_add(&list, "a", "1");
	tag_list_sort(&list);
	assert_string_equal(tag_list_get(&list, 0), "a:1");
	assert_string_equal(tag_list_get(&list, 1), "a:2");
	assert_string_equal(tag_list_get(&list, 2), "b:1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_is_there_once),
		cmocka_unit_test(nothing_adds_nothing),
		cmocka_unit_test(tags_beyond_the_maximum_are_counted),
		cmocka_unit_test(bytes_beyond_the_maximum_are_counted),
		cmocka_unit_test(tags_that_were_cut_are_counted),
		cmocka_unit_test(sorted_is_in_the_order_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
