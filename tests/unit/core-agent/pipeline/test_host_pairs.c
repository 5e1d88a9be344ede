/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/host_pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAX_PAIRS 64

static int set_up(void **state)
{
	*state = host_pairs_new(MAX_PAIRS);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	host_pairs_free(*state);
	return 0;
}

/* 10.0.0.1:`port` to 10.0.0.2:80 */
static struct connection client_end(uint16_t port)
{
	return (struct connection){.protocol = CONNECTION_TCP,
				   .family = CONNECTION_IPV4,
				   .state = CONNECTION_OPEN,
				   .local_address = {10, 0, 0, 1},
				   .remote_address = {10, 0, 0, 2},
				   .local_port = port,
				   .remote_port = 80,
				   .netns = 1};
}

static struct connection mirrored(const struct connection *end)
{
	struct connection other = *end;

	memcpy(other.local_address, end->remote_address, 16);
	memcpy(other.remote_address, end->local_address, 16);
	other.local_port = end->remote_port;
	other.remote_port = end->local_port;
	other.netns = 2;
	return other;
}

static void see(struct host_pairs *pairs, struct connection end, enum connection_state state)
{
	end.state = state;
	host_pairs_see(pairs, &end);
}

static void loopback_of_another_namespace_is_no_other_end(void **state)
{
	struct connection client = client_end(5000), server;

	client.local_address[0] = client.remote_address[0] = 127;
	server = mirrored(&client);
	see(*state, client, CONNECTION_OPEN);
	see(*state, server, CONNECTION_OPEN);
	assert_false(host_pairs_has(*state, &client));
	server.netns = client.netns;
	see(*state, server, CONNECTION_OPEN);
	assert_true(host_pairs_has(*state, &client));
}

static void single_end_has_no_other(void **state)
{
	struct connection client = client_end(5000), server = mirrored(&client);

	see(*state, client, CONNECTION_OPEN);
	see(*state, client, CONNECTION_OPEN);
	assert_false(host_pairs_has(*state, &client));
	assert_true(host_pairs_has(*state, &server));
}

static void both_ends_find_each_other_whichever_came_first(void **state)
{
	struct connection client = client_end(5000), server = mirrored(&client);
	struct connection second = client_end(5001), second_server = mirrored(&second);

	see(*state, client, CONNECTION_OPEN);
	see(*state, server, CONNECTION_OPEN);
	see(*state, second_server, CONNECTION_CLOSED);
	see(*state, second, CONNECTION_CLOSED);
	assert_true(host_pairs_has(*state, &client));
	assert_true(host_pairs_has(*state, &server));
	assert_true(host_pairs_has(*state, &second));
	assert_true(host_pairs_has(*state, &second_server));
	assert_int_equal(host_pairs_get_stats(*state)->n_pairs, 2);
}

static void every_part_of_the_tuple_counts(void **state)
{
	struct connection client = client_end(5000), server = mirrored(&client);
	struct connection other_port = client_end(5001), udp = client, six = client;

	see(*state, server, CONNECTION_OPEN);
	udp.protocol = CONNECTION_UDP;
	six.family = CONNECTION_IPV6;
	assert_true(host_pairs_has(*state, &client));
	assert_false(host_pairs_has(*state, &other_port));
	assert_false(host_pairs_has(*state, &udp));
	assert_false(host_pairs_has(*state, &six));
}

static void attempt_that_failed_is_no_end(void **state)
{
	struct connection client = client_end(5000), server = mirrored(&client);

	see(*state, client, CONNECTION_FAILED);
	assert_false(host_pairs_has(*state, &server));
	assert_int_equal(host_pairs_get_stats(*state)->n_pairs, 0);
}

static void end_unseen_in_two_polls_is_forgotten(void **state)
{
	struct connection client = client_end(5000), server = mirrored(&client);

	see(*state, client, CONNECTION_CLOSED);
	host_pairs_sweep(*state);
	host_pairs_sweep(*state);
	assert_true(host_pairs_has(*state, &server));
	host_pairs_sweep(*state);
	assert_false(host_pairs_has(*state, &server));
	assert_int_equal(host_pairs_get_stats(*state)->n_pairs, 0);
}

static void end_seen_again_stays(void **state)
{
	struct connection client = client_end(5000), server = mirrored(&client);

	for (int i = 0; i < 5; i++) {
		see(*state, client, CONNECTION_OPEN);
		host_pairs_sweep(*state);
	}
	assert_true(host_pairs_has(*state, &server));
}

static void fill(struct host_pairs *pairs, enum connection_state state)
{
	for (uint16_t port = 1; port <= MAX_PAIRS; port++)
		see(pairs, client_end(port), state);
}

static void end_beyond_the_bound_is_counted(void **state)
{
	struct connection client = client_end(5000), server = mirrored(&client);

	fill(*state, CONNECTION_OPEN);
	see(*state, client, CONNECTION_OPEN);
	assert_false(host_pairs_has(*state, &server));
	assert_int_equal(host_pairs_get_stats(*state)->n_full, 1);
	assert_int_equal(host_pairs_get_stats(*state)->n_pairs, MAX_PAIRS);
}

static void closed_ends_give_way_when_room_is_short(void **state)
{
	struct connection client = client_end(5000), server = mirrored(&client);

	fill(*state, CONNECTION_CLOSED);
	see(*state, client, CONNECTION_OPEN);
	assert_true(host_pairs_has(*state, &server));
	assert_int_equal(host_pairs_get_stats(*state)->n_full, 0);
	assert_int_equal(host_pairs_get_stats(*state)->n_hurried, MAX_PAIRS);
	assert_int_equal(host_pairs_get_stats(*state)->n_pairs, 1);
}

static void closed_pairs_give_way_without_being_counted(void **state)
{
	for (uint16_t port = 1; port <= MAX_PAIRS; port++) {
		struct connection client = client_end(port);

		see(*state, client, CONNECTION_CLOSED);
		see(*state, mirrored(&client), CONNECTION_CLOSED);
	}
	see(*state, client_end(5000), CONNECTION_OPEN);
	assert_int_equal(host_pairs_get_stats(*state)->n_hurried, 0);
	assert_int_equal(host_pairs_get_stats(*state)->n_pairs, 1);
}

static void endpoints_in_use_again_are_open_again(void **state)
{
	struct connection client = client_end(1), server = mirrored(&client);

	fill(*state, CONNECTION_CLOSED);
	see(*state, client, CONNECTION_OPEN);
	see(*state, client_end(5000), CONNECTION_OPEN);
	assert_true(host_pairs_has(*state, &server));
	assert_int_equal(host_pairs_get_stats(*state)->n_pairs, 2);
}

static void every_end_is_found_after_the_table_grew(void **state)
{
	struct host_pairs *pairs = host_pairs_new(100000);

	(void)state;
	for (uint32_t port = 1; port <= 20000; port++)
		see(pairs, client_end((uint16_t)port), CONNECTION_OPEN);
	for (uint32_t port = 1; port <= 20000; port++) {
		struct connection client = client_end((uint16_t)port), server = mirrored(&client);

		assert_true(host_pairs_has(pairs, &server));
		assert_false(host_pairs_has(pairs, &client));
	}
	assert_int_equal(host_pairs_get_stats(pairs)->n_pairs, 20000);
	host_pairs_free(pairs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(loopback_of_another_namespace_is_no_other_end),
		TEST(single_end_has_no_other),
		TEST(both_ends_find_each_other_whichever_came_first),
		TEST(every_part_of_the_tuple_counts),
		TEST(attempt_that_failed_is_no_end),
		TEST(end_unseen_in_two_polls_is_forgotten),
		TEST(end_seen_again_stays),
		TEST(end_beyond_the_bound_is_counted),
		TEST(closed_ends_give_way_when_room_is_short),
		TEST(closed_pairs_give_way_without_being_counted),
		TEST(endpoints_in_use_again_are_open_again),
		TEST(every_end_is_found_after_the_table_grew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
