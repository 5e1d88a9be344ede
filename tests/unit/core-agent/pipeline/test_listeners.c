/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/listeners.h"

#include "facts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAX_LISTENERS 3
#define SINCE 1000
#define KNOWN (FACT_BIT(FACT_DROPPED_ATTEMPTS) | FACT_BIT(FACT_SYNACK_RETRANSMITS))

static int set_up(void **state)
{
	*state = listeners_new(MAX_LISTENERS);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	listeners_free(*state);
	return 0;
}

/* On port 80 of any address, in network namespace 7. */
static struct connection listener(uint64_t id)
{
	return (struct connection){.id = id,
				   .protocol = CONNECTION_TCP,
				   .family = CONNECTION_IPV4,
				   .state = CONNECTION_LISTENING,
				   .local_port = 80,
				   .netns = 7,
				   .facts.known = KNOWN};
}

/* Of port 80 at 10.0.0.1, in network namespace 7. */
static struct connection server_end(void)
{
	struct connection connection = listener(100);

	connection.state = CONNECTION_OPEN;
	connection.local_address[0] = 10;
	connection.local_address[3] = 1;
	return connection;
}

static bool see(struct listeners *listeners, uint64_t id)
{
	struct connection one = listener(id);

	return listeners_see(listeners, &one, SINCE);
}

static struct connection_refusals refuse(struct listeners *listeners, uint64_t dropped,
					 uint64_t retransmits)
{
	struct connection one = listener(1);

	one.facts.dropped_attempts = dropped;
	one.facts.synack_retransmits = retransmits;
	assert_true(listeners_see(listeners, &one, SINCE));
	return one.refusals;
}

static void listener_is_reported_once(void **state)
{
	assert_true(see(*state, 1));
	assert_false(see(*state, 1));
	assert_int_equal(listeners_get_stats(*state)->n_listeners, 1);
}

static void listener_is_reported_again_with_what_it_refused_since(void **state)
{
	struct connection_refusals refusals;

	see(*state, 1);
	refusals = refuse(*state, 5, 0);
	assert_int_equal(refusals.dropped_attempts, 5);
	refusals = refuse(*state, 7, 3);
	assert_true(refusals.is_known);
	assert_int_equal(refusals.dropped_attempts, 2);
	assert_int_equal(refusals.synack_retransmits, 3);
}

static void new_listener_refused_all_in_this_interval(void **state)
{
	struct connection one = listener(1);

	one.started_unix_ns = SINCE;
	one.facts.dropped_attempts = 4;
	assert_true(listeners_see(*state, &one, SINCE));
	assert_true(one.refusals.is_known);
	assert_int_equal(one.refusals.dropped_attempts, 4);
}

static void what_an_older_listener_refused_in_the_interval_is_unknown(void **state)
{
	struct connection before = listener(1), unknown = listener(2);

	before.started_unix_ns = SINCE - 1;
	assert_true(listeners_see(*state, &before, SINCE));
	assert_false(before.refusals.is_known);
	assert_true(listeners_see(*state, &unknown, 0));
	assert_false(unknown.refusals.is_known);
}

static void counter_that_is_not_known_any_more_keeps_its_baseline(void **state)
{
	struct connection one = listener(1);

	see(*state, 1);
	refuse(*state, 5, 0);
	one.facts.known = 0;
	assert_false(listeners_see(*state, &one, SINCE));
	assert_int_equal(refuse(*state, 6, 0).dropped_attempts, 1);
}

static void next_instance_of_the_probe_counts_synacks_from_zero(void **state)
{
	see(*state, 1);
	refuse(*state, 5, 9);
	listeners_carry_over(*state);
	assert_int_equal(refuse(*state, 5, 2).synack_retransmits, 2);
}

static void listener_unseen_in_two_polls_is_forgotten(void **state)
{
	struct connection end = server_end();

	see(*state, 1);
	listeners_sweep(*state);
	listeners_sweep(*state);
	assert_true(listeners_has(*state, &end));
	listeners_sweep(*state);
	assert_false(listeners_has(*state, &end));
	assert_true(see(*state, 1));
}

static void any_address_has_every_local_end_of_its_namespace(void **state)
{
	struct connection end = server_end();

	see(*state, 1);
	assert_true(listeners_has(*state, &end));
	end.family = CONNECTION_IPV6; /* a socket for IPv6 may take both */
	assert_true(listeners_has(*state, &end));
	end.local_port = 81;
	assert_false(listeners_has(*state, &end));
	end = server_end();
	end.netns = 8;
	assert_false(listeners_has(*state, &end));
}

static void one_address_has_only_itself(void **state)
{
	struct connection end = server_end(), bound = server_end();

	bound.state = CONNECTION_LISTENING;
	assert_true(listeners_see(*state, &bound, SINCE));
	assert_true(listeners_has(*state, &end));
	end.local_address[3] = 2;
	assert_false(listeners_has(*state, &end));
	end = server_end();
	end.family = CONNECTION_IPV6; /* its first four bytes are the same by chance */
	assert_false(listeners_has(*state, &end));
}

static void place_is_listened_at_until_the_last_of_its_sockets_is_gone(void **state)
{
	struct connection end = server_end();

	see(*state, 1);
	see(*state, 2);
	listeners_sweep(*state);
	see(*state, 2);
	listeners_sweep(*state);
	listeners_sweep(*state);
	assert_int_equal(listeners_get_stats(*state)->n_listeners, 1);
	assert_true(listeners_has(*state, &end));
	listeners_sweep(*state);
	assert_false(listeners_has(*state, &end));
}

static void listener_beyond_the_bound_is_counted(void **state)
{
	for (uint64_t id = 1; id <= MAX_LISTENERS; id++)
		assert_true(see(*state, id));
	assert_false(see(*state, MAX_LISTENERS + 1));
	assert_int_equal(listeners_get_stats(*state)->n_table_full, 1);
	assert_int_equal(listeners_get_stats(*state)->n_listeners, MAX_LISTENERS);
}

static void all_are_known_after_a_whole_poll(void **state)
{
	assert_false(listeners_is_complete(*state));
	listeners_sweep(*state);
	assert_true(listeners_is_complete(*state));
	listeners_clear(*state);
	assert_false(listeners_is_complete(*state));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(listener_is_reported_once),
		TEST(listener_is_reported_again_with_what_it_refused_since),
		TEST(new_listener_refused_all_in_this_interval),
		TEST(what_an_older_listener_refused_in_the_interval_is_unknown),
		TEST(counter_that_is_not_known_any_more_keeps_its_baseline),
		TEST(next_instance_of_the_probe_counts_synacks_from_zero),
		TEST(listener_unseen_in_two_polls_is_forgotten),
		TEST(any_address_has_every_local_end_of_its_namespace),
		TEST(one_address_has_only_itself),
		TEST(place_is_listened_at_until_the_last_of_its_sockets_is_gone),
		TEST(listener_beyond_the_bound_is_counted),
		TEST(all_are_known_after_a_whole_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
