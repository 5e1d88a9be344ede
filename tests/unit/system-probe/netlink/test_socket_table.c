/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/socket_table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAX 1000

static struct socket_key key(uint64_t cookie)
{
	return (struct socket_key){ cookie, 42 };
}

static struct socket_table *table_with(size_t n)
{
	struct socket_table *table = socket_table_new(MAX);

	for (size_t i = 1; i <= n; i++)
		assert_non_null(socket_table_add(table, key(i)));
	return table;
}

static size_t count(const struct socket_table *table)
{
	size_t cursor = 0, n = 0;

	while (socket_table_next(table, &cursor))
		n++;
	return n;
}

static void entry_is_found_by_cookie_and_namespace(void **state)
{
	struct socket_table *table = table_with(3);

	(void)state;
	assert_int_equal(socket_table_find(table, key(2))->key.cookie, 2);
	assert_null(socket_table_find(table, key(4)));
	assert_null(socket_table_find(table, (struct socket_key){ 2, 43 }));
	socket_table_free(table);
}

static void full_table_takes_again_what_was_freed(void **state)
{
	struct socket_table *table = table_with(MAX);

	(void)state;
	assert_null(socket_table_add(table, key(MAX + 1)));
	socket_table_remove(table, socket_table_find(table, key(5)));
	assert_non_null(socket_table_add(table, key(MAX + 1)));
	assert_int_equal(count(table), MAX);
	socket_table_free(table);
}

static void walk_survives_removals(void **state)
{
	struct socket_table *table = table_with(MAX);
	struct socket_entry *entry;
	size_t cursor = 0, n = 0;

	(void)state;
	while ((entry = socket_table_next(table, &cursor))) {
		n++;
		socket_table_remove(table, entry);
	}
	assert_int_equal(n, MAX);
	assert_int_equal(count(table), 0);
	socket_table_free(table);
}

static void those_that_stay_are_met_once_although_others_come_and_go(void **state)
{
	struct socket_table *table = table_with(100);
	struct socket_entry *entry;
	size_t cursor = 0, n_even = 0;
	uint64_t next = 1001;

	(void)state;
	while ((entry = socket_table_next(table, &cursor))) {
		uint64_t cookie = entry->key.cookie;

		n_even += cookie <= 100 && cookie % 2 == 0;
		if (cookie % 2 == 1 && cookie <= 100) {
			socket_table_remove(table, entry);
			assert_non_null(socket_table_add(table, key(next++)));
		}
	}
	assert_int_equal(n_even, 50);
	socket_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_is_found_by_cookie_and_namespace),
		cmocka_unit_test(full_table_takes_again_what_was_freed),
		cmocka_unit_test(walk_survives_removals),
		cmocka_unit_test(those_that_stay_are_met_once_although_others_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
