/* SPDX-License-Identifier: Apache-2.0 */
#include "tags/tag_sets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "tags/tag_list.h"

static const struct tag_set *take(struct tag_sets *sets, const char *const (*tags)[2], size_t n)
{
	struct tag_list list;

	tag_list_clear(&list);
	for (size_t i = 0; i < n; i++)
		tag_list_add(&list, tags[i][0], tags[i][1]);
	return tag_sets_take(sets, &list);
}

static const char *const one[][2] = {{"a", "1"}, {"b", "2"}};
static const char *const same[][2] = {{"b", "2"}, {"a", "1"}};
static const char *const other[][2] = {{"a", "1"}, {"b", "3"}};

static void equal_sets_have_one_address_whatever_their_order(void **state)
{
	struct tag_sets *sets = tag_sets_new();
	const struct tag_set *set = take(sets, one, 2);

	(void)state;
	assert_ptr_equal(take(sets, same, 2), set);
	assert_ptr_not_equal(take(sets, other, 2), set);
	assert_int_equal(tag_sets_n(sets), 2);
	tag_sets_free(sets);
}

/* "ab" in one and "a", "b" in the other must not be the same bytes. */
static void sets_that_run_together_the_same_are_different(void **state)
{
	static const char *const joined[][2] = {{"a", "1b:2"}};
	struct tag_sets *sets = tag_sets_new();

	(void)state;
	assert_ptr_not_equal(take(sets, joined, 1), take(sets, one, 2));
	tag_sets_free(sets);
}

static void a_set_goes_with_its_last_user(void **state)
{
	struct tag_sets *sets = tag_sets_new();
	const struct tag_set *set = take(sets, one, 2);

	(void)state;
	assert_ptr_equal(tag_set_hold(set), set);
	tag_set_release(set);
	assert_int_equal(tag_sets_n(sets), 1);
	tag_set_release(set);
	assert_int_equal(tag_sets_n(sets), 0);
	tag_sets_free(sets);
}

static void nothing_is_the_empty_set(void **state)
{
	struct tag_sets *sets = tag_sets_new();

	(void)state;
	assert_null(take(sets, one, 0));
	assert_null(tag_set_hold(NULL));
	tag_set_release(NULL);
	assert_int_equal(tag_set_n(NULL), 0);
	assert_null(tag_set_find(NULL, "a"));
	tag_sets_free(sets);
}

static void a_value_is_found_by_its_whole_key(void **state)
{
	struct tag_sets *sets = tag_sets_new();
	const struct tag_set *set = take(sets, one, 2);

	(void)state;
	assert_string_equal(tag_set_find(set, "b"), "2");
	assert_null(tag_set_find(set, "b:"));
	assert_null(tag_set_find(set, ""));
	assert_string_equal(tag_set_get(set, 0), "a:1");
	assert_null(tag_set_value(set, TAG_KEY_SERVICE));
	assert_true(tag_sets_has_key(sets, "b"));
	assert_false(tag_sets_has_key(sets, "c"));
	tag_sets_free(sets);
}

static void keys_that_all_ask_for_are_found_without_a_search(void **state)
{
	static const char *const tags[][2] = {{"env", "test"}, {"service", "a"}, {"service", "b"}};
	struct tag_sets *sets = tag_sets_new();
	const struct tag_set *set = take(sets, tags, 3);

	(void)state;
	assert_string_equal(tag_set_value(set, TAG_KEY_ENV), "test");
	assert_string_equal(tag_set_value(set, TAG_KEY_SERVICE), "a");
	assert_null(tag_set_value(set, TAG_KEY_VERSION));
	assert_null(tag_set_value(NULL, TAG_KEY_ENV));
	tag_sets_free(sets);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_sets_have_one_address_whatever_their_order),
		cmocka_unit_test(sets_that_run_together_the_same_are_different),
		cmocka_unit_test(a_set_goes_with_its_last_user),
		cmocka_unit_test(nothing_is_the_empty_set),
		cmocka_unit_test(keys_that_all_ask_for_are_found_without_a_search),
		cmocka_unit_test(a_value_is_found_by_its_whole_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
