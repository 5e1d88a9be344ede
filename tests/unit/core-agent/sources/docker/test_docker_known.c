/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sources/docker/docker_known.h"

static char gone[64];

static void on_gone(const char *id, void *context)
{
	(void)context;
	strcat(gone, id);
	strcat(gone, " ");
}

static void what_a_list_leaves_out_is_gone(void **state)
{
	struct docker_known *known = docker_known_new(4);

	(void)state;
	assert_true(docker_known_add(known, "a") && docker_known_add(known, "b"));
	docker_known_begin_list(known);
	assert_true(docker_known_add(known, "b") && docker_known_add(known, "c"));
	gone[0] = '\0';
	docker_known_end_list(known, on_gone, NULL);

	assert_string_equal(gone, "a ");
	assert_false(docker_known_has(known, "a"));
	assert_true(docker_known_has(known, "b") && docker_known_has(known, "c"));
	docker_known_free(known);
}

static void those_over_the_maximum_are_not_taken(void **state)
{
	struct docker_known *known = docker_known_new(2);

	(void)state;
	assert_true(docker_known_add(known, "a") && docker_known_add(known, "b"));
	assert_false(docker_known_add(known, "c"));
	assert_true(docker_known_add(known, "a"));
	docker_known_remove(known, "a");
	assert_true(docker_known_add(known, "c"));
	docker_known_free(known);
}

static void each_is_due_once(void **state)
{
	struct docker_known *known = docker_known_new(4);

	(void)state;
	(void)docker_known_add(known, "a");
	(void)docker_known_add(known, "b");
	assert_null(docker_known_take_due(known));
	docker_known_set_due(known, "b");
	docker_known_set_due(known, "b");
	docker_known_set_due(known, "unknown");
	assert_string_equal(docker_known_take_due(known), "b");
	assert_null(docker_known_take_due(known));
	docker_known_set_due(known, "a");
	docker_known_remove(known, "a");
	assert_null(docker_known_take_due(known));
	docker_known_free(known);
}

static void addresses_are_kept_while_nothing_is_said_of_them(void **state)
{
	struct docker_known *known = docker_known_new(4);
	struct docker_container container = {.id = "a"};

	(void)state;
	(void)docker_known_add(known, "a");
	assert_false(docker_known_fill_networks(known, &container));
	container.has_networks = true;
	container.n_addresses = 1;
	container.addresses[0].address[3] = 7;
	assert_true(docker_known_fill_networks(known, &container));

	container = (struct docker_container){.id = "a"};
	assert_true(docker_known_fill_networks(known, &container));
	assert_int_equal(container.n_addresses, 1);
	assert_int_equal(container.addresses[0].address[3], 7);

	container.has_networks = true;
	container.n_addresses = 0;
	assert_true(docker_known_fill_networks(known, &container));
	container = (struct docker_container){.id = "a"};
	assert_true(docker_known_fill_networks(known, &container));
	assert_int_equal(container.n_addresses, 0);
	docker_known_free(known);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_list_leaves_out_is_gone),
		cmocka_unit_test(those_over_the_maximum_are_not_taken),
		cmocka_unit_test(each_is_due_once),
		cmocka_unit_test(addresses_are_kept_while_nothing_is_said_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
