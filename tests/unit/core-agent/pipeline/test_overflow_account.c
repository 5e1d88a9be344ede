/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/overflow_account.h"
#include "pipeline/delta.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
	*state = overflow_account_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	overflow_account_free(*state);
	return 0;
}

static struct overflow_sum sum_of(uint64_t n, uint64_t bytes_sent)
{
	return (struct overflow_sum){.n_connections = n, .counters = {.bytes_sent = bytes_sent}};
}

static void read_record(struct overflow_account *account, uint64_t bytes_sent)
{
	const struct connection_counters total = {.bytes_sent = bytes_sent};

	overflow_account_add_closed(account, &total);
}

static void vanish(struct overflow_account *account, uint64_t bytes_sent)
{
	const struct connection_counters reported = {.bytes_sent = bytes_sent};

	overflow_account_add_vanished(account, &reported);
}

static bool add_total(struct overflow_account *account, const char *cause, uint64_t n,
		      uint64_t bytes_sent, struct overflow *ret)
{
	struct overflow_sum total = sum_of(n, bytes_sent);

	return overflow_account_add_total(account, cause, &total, ret);
}

static bool add_log(struct overflow_account *account, uint64_t n, uint64_t bytes_sent,
		    struct overflow *ret)
{
	struct overflow_sum total = sum_of(n, bytes_sent);

	return overflow_account_add_log(account, &total, ret);
}

static bool end_poll(struct overflow_account *account, uint64_t n_unseen, struct overflow *ret)
{
	struct overflow_sum total = sum_of(n_unseen, 0);

	overflow_account_note_unseen(account, &total);
	return overflow_account_end_poll(account, ret);
}

/* All but the last of those in which what was reported may still vanish. */
static void end_polls(struct overflow_account *account, uint64_t n_unseen)
{
	struct overflow overflow;

	for (int i = 0; i < DELTA_POLLS_UNTIL_VANISHED - 1; i++)
		assert_false(end_poll(account, n_unseen, &overflow));
}

static void unseen_end_of_what_nobody_reported_is_a_loss_some_polls_later(void **state)
{
	struct overflow overflow;

	end_polls(*state, 2);
	assert_true(end_poll(*state, 2, &overflow));
	assert_string_equal(overflow.cause, "end_unseen");
	assert_int_equal(overflow.n_connections, 2);
	assert_int_equal(overflow.interval.bytes_sent, 0);
	assert_false(end_poll(*state, 2, &overflow));
}

static void unseen_end_of_what_was_reported_is_no_loss_and_hides_none(void **state)
{
	struct overflow overflow;

	end_polls(*state, 1);
	vanish(*state, 70); /* in this poll at the latest */
	assert_false(end_poll(*state, 1, &overflow));
	assert_true(add_total(*state, "ring_full", 1, 100, &overflow));
	assert_int_equal(overflow.n_connections, 1);
	assert_int_equal(overflow.interval.bytes_sent, 100);
}

static void unseen_end_leaves_what_vanished_for_another_cause(void **state)
{
	struct overflow overflow;

	vanish(*state, 70);
	vanish(*state, 30);
	end_polls(*state, 1);
	assert_false(end_poll(*state, 1, &overflow));
	assert_true(add_total(*state, "ring_full", 1, 120, &overflow));
	assert_int_equal(overflow.n_connections, 0);
	assert_int_equal(overflow.interval.bytes_sent, 20);
}

static void first_total_of_a_cause_is_reported_whole(void **state)
{
	struct overflow overflow;

	assert_true(add_total(*state, "ring_full", 3, 100, &overflow));
	assert_string_equal(overflow.cause, "ring_full");
	assert_int_equal(overflow.n_connections, 3);
	assert_int_equal(overflow.interval.bytes_sent, 100);
}

static void later_total_reports_what_was_added(void **state)
{
	struct overflow overflow;

	add_total(*state, "ring_full", 3, 100, &overflow);
	assert_true(add_total(*state, "ring_full", 4, 150, &overflow));
	assert_int_equal(overflow.n_connections, 1);
	assert_int_equal(overflow.interval.bytes_sent, 50);
}

static void unchanged_total_reports_nothing(void **state)
{
	struct overflow overflow;

	add_total(*state, "ring_full", 3, 100, &overflow);
	assert_false(add_total(*state, "ring_full", 3, 100, &overflow));
}

static void total_that_goes_down_reports_nothing_and_no_repeat(void **state)
{
	struct overflow overflow;

	add_total(*state, "ring_full", 3, 100, &overflow);
	assert_false(add_total(*state, "ring_full", 3, 90, &overflow));
	assert_false(add_total(*state, "ring_full", 3, 100, &overflow));
}

static void causes_are_kept_apart(void **state)
{
	struct overflow overflow;

	add_total(*state, "ring_full", 0, 100, &overflow);
	assert_true(add_total(*state, "table_full", 0, 70, &overflow));
	assert_int_equal(overflow.interval.bytes_sent, 70);
}

static void log_that_was_read_whole_has_no_loss(void **state)
{
	struct overflow overflow;

	read_record(*state, 100);
	read_record(*state, 50);
	assert_false(add_log(*state, 2, 150, &overflow));
}

static void log_that_lost_records_reports_their_exact_sum(void **state)
{
	struct overflow overflow;

	read_record(*state, 100);
	read_record(*state, 50);
	assert_true(add_log(*state, 5, 1150, &overflow));
	assert_string_equal(overflow.cause, "closed_log");
	assert_int_equal(overflow.n_connections, 3);
	assert_int_equal(overflow.interval.bytes_sent, 1000);
}

static void loss_of_the_log_is_reported_once(void **state)
{
	struct overflow overflow;

	add_log(*state, 3, 1000, &overflow);
	read_record(*state, 50);
	assert_false(add_log(*state, 4, 1050, &overflow));
}

static void vanished_bytes_are_taken_off_the_next_loss(void **state)
{
	struct overflow overflow;

	vanish(*state, 300);
	assert_true(add_log(*state, 2, 1000, &overflow));
	assert_int_equal(overflow.n_connections, 1);
	assert_int_equal(overflow.interval.bytes_sent, 700);
}

static void vanished_bytes_beyond_a_loss_wait_for_the_next(void **state)
{
	struct overflow overflow;

	vanish(*state, 300);
	assert_false(add_total(*state, "ring_full", 1, 100, &overflow));
	assert_true(add_total(*state, "table_full", 1, 250, &overflow));
	assert_int_equal(overflow.interval.bytes_sent, 50);
}

static void cleared_account_begins_anew(void **state)
{
	struct overflow overflow;

	vanish(*state, 300);
	add_total(*state, "ring_full", 1, 1000, &overflow);
	overflow_account_clear(*state);
	assert_true(add_total(*state, "ring_full", 1, 20, &overflow));
	assert_int_equal(overflow.interval.bytes_sent, 20);
}

static void cause_beyond_the_maximum_is_counted(void **state)
{
	struct overflow overflow;
	char name[16];

	for (int i = 0; i < OVERFLOW_ACCOUNT_MAX_CAUSES; i++) {
		(void)snprintf(name, sizeof(name), "cause %d", i);
		assert_true(add_total(*state, name, 1, 1, &overflow));
	}
	assert_false(add_total(*state, "one more", 1, 1, &overflow));
	assert_int_equal(overflow_account_n_causes_full(*state), 1);
}

static void restore_into(const char *name, const struct overflow_sum *sum, void *context)
{
	assert_int_equal(overflow_account_restore(context, name, sum), 0);
}

static void restored_account_goes_on_where_the_saved_one_was(void **state)
{
	struct overflow_account *again = overflow_account_new();
	struct overflow overflow;

	read_record(*state, 100);
	vanish(*state, 30);
	add_total(*state, "vanished", 1, 10, &overflow); /* a cause named like a sum */
	overflow_account_for_each(*state, restore_into, again);
	assert_true(add_log(again, 3, 150, &overflow));
	assert_int_equal(overflow.interval.bytes_sent, 150 - 100 - 20);
	assert_false(add_total(again, "vanished", 1, 10, &overflow));
	overflow_account_free(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unseen_end_of_what_nobody_reported_is_a_loss_some_polls_later),
		TEST(unseen_end_of_what_was_reported_is_no_loss_and_hides_none),
		TEST(unseen_end_leaves_what_vanished_for_another_cause),
		TEST(first_total_of_a_cause_is_reported_whole),
		TEST(later_total_reports_what_was_added),
		TEST(unchanged_total_reports_nothing),
		TEST(total_that_goes_down_reports_nothing_and_no_repeat),
		TEST(causes_are_kept_apart),
		TEST(log_that_was_read_whole_has_no_loss),
		TEST(log_that_lost_records_reports_their_exact_sum),
		TEST(loss_of_the_log_is_reported_once),
		TEST(vanished_bytes_are_taken_off_the_next_loss),
		TEST(vanished_bytes_beyond_a_loss_wait_for_the_next),
		TEST(cleared_account_begins_anew),
		TEST(cause_beyond_the_maximum_is_counted),
		TEST(restored_account_goes_on_where_the_saved_one_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
