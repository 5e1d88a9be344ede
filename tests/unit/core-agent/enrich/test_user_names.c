/* SPDX-License-Identifier: Apache-2.0 */
#include "user_names.h"

#include "tree_fixture.h"

static const char file_text[] = "root:x:0:0:root:/root:/bin/bash\n"
				"# a comment\n"
				"www-data:x:33:33::/var/www:/usr/sbin/nologin\n";

static struct user_names *names_in(const struct tree *tree, size_t max)
{
	char path[PATH_MAX];
	struct user_names *names;

	tree_path(tree, "passwd", path);
	names = user_names_new(path, max);
	assert_non_null(names);
	return names;
}

static void user_of_the_file_has_its_name(void **state)
{
	struct user_names *names;

	tree_write_text(*state, "passwd", file_text);
	names = names_in(*state, 10);
	assert_string_equal(user_names_get(names, 33), "www-data");
	assert_string_equal(user_names_get(names, 0), "root");
	user_names_free(names);
}

static void user_not_in_the_file_is_its_number(void **state)
{
	struct user_names *names;

	tree_write_text(*state, "passwd", file_text);
	names = names_in(*state, 10);
	assert_string_equal(user_names_get(names, 1000), "1000");
	assert_string_equal(user_names_get(names, 4294967294), "4294967294");
	user_names_free(names);
}

static void missing_file_gives_numbers(void **state)
{
	struct user_names *names = names_in(*state, 10);

	assert_string_equal(user_names_get(names, 0), "0");
	user_names_free(names);
}

static void number_is_given_beside_the_name(void **state)
{
	struct user_names *names;

	tree_write_text(*state, "passwd", file_text);
	names = names_in(*state, 10);
	assert_string_equal(user_names_get(names, 33), "www-data");
	assert_string_equal(user_names_get_number(names, 33), "33");
	user_names_free(names);
}

static void changed_file_is_read_again_after_a_tick(void **state)
{
	struct user_names *names;

	tree_write_text(*state, "passwd", file_text);
	names = names_in(*state, 10);
	assert_string_equal(user_names_get(names, 1000), "1000");
	tree_write_text(*state, "passwd", "alice:x:1000:1000::/:/bin/sh\n");
	assert_string_equal(user_names_get(names, 1000), "1000");
	user_names_tick(names);
	assert_string_equal(user_names_get(names, 1000), "alice");
	user_names_free(names);
}

static void full_cache_knows_no_more_users_until_the_tick(void **state)
{
	struct user_names *names;

	tree_write_text(*state, "passwd", file_text);
	names = names_in(*state, 2);
	assert_string_equal(user_names_get(names, 1), "1");
	assert_string_equal(user_names_get(names, 2), "2");
	assert_null(user_names_get(names, 33));
	assert_string_equal(user_names_get(names, 2), "2");
	user_names_tick(names);
	assert_string_equal(user_names_get(names, 33), "www-data");
	user_names_free(names);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(user_of_the_file_has_its_name),
		IN_TREE(user_not_in_the_file_is_its_number),
		IN_TREE(missing_file_gives_numbers),
		IN_TREE(number_is_given_beside_the_name),
		IN_TREE(changed_file_is_read_again_after_a_tick),
		IN_TREE(full_cache_knows_no_more_users_until_the_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
