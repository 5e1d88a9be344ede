/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/delta.h"

#include "facts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SINCE 1000

static int set_up(void **state)
{
	*state = delta_new(2);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	delta_free(*state);
	return 0;
}

static struct connection open_connection(uint64_t id, uint64_t bytes_sent)
{
	return (struct connection){.id = id,
				   .state = CONNECTION_OPEN,
				   .facts.known = FACTS_ALL_COUNTERS,
				   .total = {.bytes_sent = bytes_sent, .packets_sent = 1}};
}

static struct connection closed_connection(uint64_t id, uint64_t bytes_sent)
{
	struct connection connection = open_connection(id, bytes_sent);

	connection.state = CONNECTION_CLOSED;
	return connection;
}

static void apply_open(struct delta *delta, uint64_t id, uint64_t bytes_sent)
{
	struct connection connection = open_connection(id, bytes_sent);

	assert_int_equal(delta_apply(delta, &connection, SINCE), 0);
}

static void count_vanished(const struct delta_entry *entry, void *context)
{
	*(uint64_t *)context += entry->reported.bytes_sent;
}

static uint64_t sweep(struct delta *delta)
{
	uint64_t vanished_bytes = 0;

	delta_sweep(delta, count_vanished, &vanished_bytes);
	return vanished_bytes;
}

static void new_connection_reports_its_whole_total(void **state)
{
	struct connection connection = open_connection(1, 100);

	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_true(connection.is_new);
	assert_int_equal(connection.interval.bytes_sent, 100);
}

static void new_connection_older_than_the_probe_reports_what_came_since(void **state)
{
	struct connection connection = open_connection(1, 100);

	connection.before_probe = (struct connection_counters){.bytes_sent = 70};
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_int_equal(connection.interval.bytes_sent, 30);
	assert_int_equal(delta_find(*state, 1)->reported.bytes_sent, 100);
}

static void connection_carried_over_to_another_probe_goes_on_from_its_baseline(void **state)
{
	struct connection connection = open_connection(1, 130);

	apply_open(*state, 1, 100);
	delta_carry_over(*state);
	connection.before_probe = (struct connection_counters){.bytes_sent = 120};
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_int_equal(connection.interval.bytes_sent, 30);
	assert_false(delta_find(*state, 1)->is_carried_over);
}

static void id_of_the_old_probe_itself_is_not_carried_over(void **state)
{
	apply_open(*state, DELTA_OWN_ID_BIT | 1, 100);
	delta_carry_over(*state);
	assert_null(delta_find(*state, DELTA_OWN_ID_BIT | 1));
}

static void known_connection_reports_what_was_added(void **state)
{
	struct connection connection = open_connection(1, 130);

	apply_open(*state, 1, 100);
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_false(connection.is_new);
	assert_int_equal(connection.interval.bytes_sent, 30);
	assert_int_equal(connection.interval.packets_sent, 0);
}

static void closed_connection_reports_the_rest_and_is_forgotten(void **state)
{
	struct connection connection = closed_connection(1, 150);

	apply_open(*state, 1, 100);
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_int_equal(connection.interval.bytes_sent, 50);
	assert_int_equal(delta_get_stats(*state)->n_entries, 0);
}

static void closed_connection_never_seen_open_reports_its_total(void **state)
{
	struct connection connection = closed_connection(1, 150);

	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_true(connection.is_new);
	assert_int_equal(connection.interval.bytes_sent, 150);
	assert_int_equal(delta_get_stats(*state)->n_entries, 0);
}

static void counter_that_goes_down_counts_as_unchanged(void **state)
{
	struct connection connection = open_connection(1, 90);

	apply_open(*state, 1, 100);
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_int_equal(connection.interval.bytes_sent, 0);
	assert_int_equal(delta_get_stats(*state)->n_went_down, 1);
}

static void counter_that_went_down_is_not_counted_again_on_its_way_up(void **state)
{
	struct connection connection = open_connection(1, 110);

	apply_open(*state, 1, 100);
	apply_open(*state, 1, 90);
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_int_equal(connection.interval.bytes_sent, 10);
}

static void counter_that_is_not_known_any_more_keeps_its_baseline(void **state)
{
	struct connection unknown = open_connection(1, 0), again = open_connection(1, 120);

	apply_open(*state, 1, 100);
	unknown.facts.known = 0;
	assert_int_equal(delta_apply(*state, &unknown, SINCE), 0);
	assert_int_equal(unknown.interval.bytes_sent, 0);
	assert_int_equal(delta_get_stats(*state)->n_went_down, 0);
	assert_int_equal(delta_apply(*state, &again, SINCE), 0);
	assert_int_equal(again.interval.bytes_sent, 20);
}

static enum connection_role role_after(struct delta *delta, enum connection_role told)
{
	struct connection connection = open_connection(1, 100);

	connection.role = told;
	assert_int_equal(delta_apply(delta, &connection, SINCE), 0);
	return connection.role;
}

static void first_role_that_it_had_stays(void **state)
{
	assert_int_equal(role_after(*state, CONNECTION_ROLE_UNKNOWN), CONNECTION_ROLE_UNKNOWN);
	assert_int_equal(role_after(*state, CONNECTION_SERVER), CONNECTION_SERVER);
	assert_int_equal(role_after(*state, CONNECTION_CLIENT), CONNECTION_SERVER);
	assert_int_equal(role_after(*state, CONNECTION_ROLE_UNKNOWN), CONNECTION_SERVER);
}

static void connection_beyond_the_table_is_left_out_until_its_close(void **state)
{
	struct connection live = open_connection(3, 70), closed = closed_connection(3, 80);

	apply_open(*state, 1, 1);
	apply_open(*state, 2, 1);
	assert_int_equal(delta_apply(*state, &live, SINCE), -ENOSPC);
	assert_int_equal(delta_get_stats(*state)->n_table_full, 1);
	assert_int_equal(delta_apply(*state, &closed, SINCE), 0);
	assert_int_equal(closed.interval.bytes_sent, 80);
}

/* The connection was applied in the first of them. */
static void sweep_until_almost_vanished(struct delta *delta)
{
	for (int i = 0; i < DELTA_POLLS_UNTIL_VANISHED; i++)
		assert_int_equal(sweep(delta), 0);
}

static void connection_unseen_in_many_polls_has_vanished(void **state)
{
	apply_open(*state, 1, 100);
	sweep_until_almost_vanished(*state);
	assert_int_equal(sweep(*state), 100);
	assert_int_equal(delta_get_stats(*state)->n_vanished, 1);
	assert_int_equal(delta_get_stats(*state)->n_entries, 0);
}

static void connection_that_the_walk_passed_over_stays(void **state)
{
	apply_open(*state, 1, 100);
	sweep_until_almost_vanished(*state);
	apply_open(*state, 1, 100);
	sweep_until_almost_vanished(*state);
}

static void restored_entry_is_the_baseline(void **state)
{
	const struct delta_entry entry = {.id = 1, .reported = {.bytes_sent = 100}};
	struct connection connection = open_connection(1, 130);

	assert_int_equal(delta_restore(*state, &entry), 0);
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_false(connection.is_new);
	assert_int_equal(connection.interval.bytes_sent, 30);
}

static void restored_entry_needs_no_room_and_new_ones_wait_for_it(void **state)
{
	struct connection late = open_connection(4, 70);

	for (uint64_t id = 1; id <= 3; id++) { /* the table has room for two */
		const struct delta_entry entry = {.id = id, .reported = {.bytes_sent = 100}};

		assert_int_equal(delta_restore(*state, &entry), 0);
	}
	assert_int_equal(delta_apply(*state, &late, SINCE), -ENOSPC);
	for (uint64_t id = 1; id <= 2; id++) {
		struct connection closed = closed_connection(id, 130);

		assert_int_equal(delta_apply(*state, &closed, SINCE), 0);
		assert_int_equal(closed.interval.bytes_sent, 30);
	}
	assert_int_equal(delta_apply(*state, &late, SINCE), 0);
}

static void restored_entry_survives_the_first_poll(void **state)
{
	const struct delta_entry entry = {.id = 1, .reported = {.bytes_sent = 100}};

	assert_int_equal(delta_restore(*state, &entry), 0);
	for (int i = 0; i < DELTA_POLLS_UNTIL_VANISHED - 1; i++)
		assert_int_equal(sweep(*state), 0);
	assert_int_equal(sweep(*state), 100);
}

static void cleared_table_knows_nobody(void **state)
{
	struct connection connection = open_connection(1, 130);

	apply_open(*state, 1, 100);
	delta_clear(*state);
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_true(connection.is_new);
}

static void connection_established_since_the_last_poll_is_marked(void **state)
{
	struct connection connection = open_connection(1, 0);

	connection.established_unix_ns = SINCE;
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_true(connection.is_established_now);
}

static void connection_established_before_the_last_poll_is_not_marked(void **state)
{
	struct connection connection = open_connection(1, 0);

	connection.established_unix_ns = SINCE - 1;
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_false(connection.is_established_now);
}

static void connection_seen_connecting_is_marked_once_when_established(void **state)
{
	struct connection connection = open_connection(1, 0);

	apply_open(*state, 1, 0);
	connection.established_unix_ns = 1;
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_true(connection.is_established_now);
	assert_int_equal(delta_apply(*state, &connection, SINCE), 0);
	assert_false(connection.is_established_now);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_connection_reports_its_whole_total),
		TEST(new_connection_older_than_the_probe_reports_what_came_since),
		TEST(connection_carried_over_to_another_probe_goes_on_from_its_baseline),
		TEST(id_of_the_old_probe_itself_is_not_carried_over),
		TEST(known_connection_reports_what_was_added),
		TEST(closed_connection_reports_the_rest_and_is_forgotten),
		TEST(closed_connection_never_seen_open_reports_its_total),
		TEST(counter_that_goes_down_counts_as_unchanged),
		TEST(counter_that_went_down_is_not_counted_again_on_its_way_up),
		TEST(counter_that_is_not_known_any_more_keeps_its_baseline),
		TEST(first_role_that_it_had_stays),
		TEST(connection_beyond_the_table_is_left_out_until_its_close),
		TEST(connection_unseen_in_many_polls_has_vanished),
		TEST(connection_that_the_walk_passed_over_stays),
		TEST(restored_entry_is_the_baseline),
		TEST(restored_entry_needs_no_room_and_new_ones_wait_for_it),
		TEST(restored_entry_survives_the_first_poll),
		TEST(cleared_table_knows_nobody),
		TEST(connection_established_since_the_last_poll_is_marked),
		TEST(connection_established_before_the_last_poll_is_not_marked),
		TEST(connection_seen_connecting_is_marked_once_when_established),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
