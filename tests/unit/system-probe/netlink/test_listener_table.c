/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/listener_table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct sp_owner first = { .tgid = 1 }, second = { .tgid = 2 };

static void port_has_the_owner_last_set(void **state)
{
	struct listener_table *table = listener_table_new(10);

	(void)state;
	assert_int_equal(listener_table_set(table, 7, 80, &first), 0);
	assert_int_equal(listener_table_set(table, 7, 80, &second), 0);
	assert_int_equal(listener_table_get(table, 7, 80)->tgid, 2);
	assert_null(listener_table_get(table, 7, 81));
	assert_null(listener_table_get(table, 8, 80));
	listener_table_free(table);
}

static void full_table_refuses_new_ports_only(void **state)
{
	struct listener_table *table = listener_table_new(1);

	(void)state;
	assert_int_equal(listener_table_set(table, 7, 80, &first), 0);
	assert_int_equal(listener_table_set(table, 7, 81, &first), -ENOSPC);
	assert_int_equal(listener_table_set(table, 7, 80, &second), 0);
	listener_table_free(table);
}

static void namespace_that_is_gone_takes_its_ports_along(void **state)
{
	struct listener_table *table = listener_table_new(10);

	(void)state;
	assert_int_equal(listener_table_set(table, 7, 80, &first), 0);
	assert_int_equal(listener_table_set(table, 8, 80, &second), 0);
	listener_table_forget(table, 7);
	assert_null(listener_table_get(table, 7, 80));
	assert_int_equal(listener_table_get(table, 8, 80)->tgid, 2);
	listener_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_has_the_owner_last_set),
		cmocka_unit_test(full_table_refuses_new_ports_only),
		cmocka_unit_test(namespace_that_is_gone_takes_its_ports_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
