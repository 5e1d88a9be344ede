/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/local_ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct connection client(uint16_t port, uint32_t pid)
{
	return (struct connection){.protocol = CONNECTION_TCP,
				   .family = CONNECTION_IPV4,
				   .local_address = {127, 0, 0, 1},
				   .remote_address = {127, 0, 0, 2},
				   .local_port = port,
				   .remote_port = 80,
				   .pid = pid,
				   .process_start_ns = pid,
				   .cgroup_id = 5};
}

static struct connection server(uint16_t port, uint32_t pid)
{
	return (struct connection){.protocol = CONNECTION_TCP,
				   .family = CONNECTION_IPV4,
				   .local_address = {127, 0, 0, 2},
				   .remote_address = {127, 0, 0, 1},
				   .local_port = 80,
				   .remote_port = port,
				   .pid = pid};
}

static void each_end_is_told_who_has_the_other(void **state)
{
	struct local_ends *ends = local_ends_new(10);
	struct connection a = client(1000, 7), b = server(1000, 8);

	(void)state;
	local_ends_note(ends, &a);
	assert_null(local_ends_other(ends, &a));
	local_ends_note(ends, &b);
	assert_int_equal(local_ends_other(ends, &a)->pid, 8);
	assert_int_equal(local_ends_other(ends, &b)->pid, 7);
	assert_int_equal(local_ends_other(ends, &b)->process_start_ns, 7);
	assert_int_equal(local_ends_other(ends, &b)->cgroup_id, 5);
	local_ends_free(ends);
}

static void loopback_of_another_namespace_is_another_connection(void **state)
{
	struct local_ends *ends = local_ends_new(10);
	struct connection a = client(1000, 7), b = server(1000, 8), elsewhere = server(1000, 9);

	(void)state;
	a.netns = b.netns = 1;
	elsewhere.netns = 2;
	local_ends_note(ends, &b);
	local_ends_note(ends, &elsewhere);
	assert_int_equal(local_ends_other(ends, &a)->pid, 8);
	local_ends_free(ends);
}

static void other_addresses_meet_across_namespaces(void **state)
{
	struct local_ends *ends = local_ends_new(10);
	struct connection a = client(1000, 7), b = server(1000, 8);

	(void)state;
	a.local_address[0] = b.remote_address[0] = 10;
	a.remote_address[0] = b.local_address[0] = 10;
	a.netns = 1;
	b.netns = 2;
	local_ends_note(ends, &b);
	assert_int_equal(local_ends_other(ends, &a)->pid, 8);
	local_ends_free(ends);
}

static void an_owner_stays_until_another_is_known(void **state)
{
	struct local_ends *ends = local_ends_new(10);
	struct connection a = client(1000, 7), unknown = client(1000, 0), worker = client(1000, 9);
	struct connection b = server(1000, 8);

	(void)state;
	local_ends_note(ends, &a);
	local_ends_note(ends, &unknown);
	assert_int_equal(local_ends_other(ends, &b)->pid, 7);
	local_ends_note(ends, &worker);
	assert_int_equal(local_ends_other(ends, &b)->pid, 9);
	local_ends_free(ends);
}

static void ends_beyond_the_maximum_are_counted(void **state)
{
	struct local_ends *ends = local_ends_new(1);
	struct connection a = client(1000, 7), b = client(1001, 7), of_b = server(1001, 8);

	(void)state;
	local_ends_note(ends, &a);
	local_ends_note(ends, &b);
	assert_null(local_ends_other(ends, &of_b));
	assert_int_equal(local_ends_get_stats(ends)->n_full, 1);
	assert_int_equal(local_ends_get_stats(ends)->n_ends, 1);
	local_ends_free(ends);
}

static void an_end_not_seen_for_two_polls_leaves(void **state)
{
	struct local_ends *ends = local_ends_new(1);
	struct connection a = client(1000, 7), b = server(1000, 8);

	(void)state;
	local_ends_note(ends, &a);
	local_ends_sweep(ends);
	local_ends_sweep(ends);
	assert_non_null(local_ends_other(ends, &b));
	local_ends_sweep(ends);
	assert_null(local_ends_other(ends, &b));
	assert_int_equal(local_ends_get_stats(ends)->n_ends, 0);
	local_ends_free(ends);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_is_told_who_has_the_other),
		cmocka_unit_test(loopback_of_another_namespace_is_another_connection),
		cmocka_unit_test(other_addresses_meet_across_namespaces),
		cmocka_unit_test(an_owner_stays_until_another_is_known),
		cmocka_unit_test(ends_beyond_the_maximum_are_counted),
		cmocka_unit_test(an_end_not_seen_for_two_polls_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
