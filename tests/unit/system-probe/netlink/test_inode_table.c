/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/inode_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void each_of_many_is_found_and_no_other(void **state)
{
	struct inode_table table = { 0 };
	static char values[1000];

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(inode_table_add(&table, 2 * ((i * 7919) % 1000 + 1), &values[i]), 0);
	inode_table_sort(&table);
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t inode = 2 * ((i * 7919) % 1000 + 1);

		assert_ptr_equal(inode_table_find(&table, inode), &values[i]);
		assert_null(inode_table_find(&table, inode + 1));
	}
	inode_table_deinit(&table);
}

static void empty_table_has_nothing(void **state)
{
	struct inode_table table = { 0 };

	(void)state;
	inode_table_sort(&table);
	assert_null(inode_table_find(&table, 1));
	inode_table_deinit(&table);
}

static uint32_t parse(const char *link, const char *kind)
{
	return inode_table_parse_link(link, strlen(link), kind);
}

static void links_give_their_number(void **state)
{
	(void)state;
	assert_int_equal(parse("socket:[12345]", "socket"), 12345);
	assert_int_equal(parse("net:[4026531840]", "net"), 4026531840);
	assert_int_equal(parse("socket:[4294967295]", "socket"), 4294967295);
}

static void other_links_give_none(void **state)
{
	(void)state;
	assert_int_equal(parse("/dev/null", "socket"), 0);
	assert_int_equal(parse("pipe:[12345]", "socket"), 0);
	assert_int_equal(parse("socket:[]", "socket"), 0);
	assert_int_equal(parse("socket:[12", "socket"), 0);
	assert_int_equal(parse("socket:[1x]", "socket"), 0);
	assert_int_equal(parse("socket:[4294967296]", "socket"), 0);
	assert_int_equal(parse("socket:[99999999999999999999999]", "socket"), 0);
	assert_int_equal(parse("", "socket"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_many_is_found_and_no_other),
		cmocka_unit_test(empty_table_has_nothing),
		cmocka_unit_test(links_give_their_number),
		cmocka_unit_test(other_links_give_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
