/* SPDX-License-Identifier: Apache-2.0 */
#include "unseen_ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct tcp_tally tally(uint64_t n_begun, uint64_t n_ended)
{
	return (struct tcp_tally){ n_begun, n_ended };
}

static void quiet_walk(struct unseen_ends *ends, struct tcp_tally now, uint64_t n_live)
{
	unseen_ends_update(ends, now, now, n_live);
}

static void what_neither_ended_nor_lives_is_told_once_two_walks_agree(void **state)
{
	struct unseen_ends ends = { 0 };

	(void)state;
	quiet_walk(&ends, tally(10, 4), 5);
	assert_int_equal(ends.n_told, 0);
	quiet_walk(&ends, tally(10, 4), 5);
	assert_int_equal(ends.n_told, 1);
	quiet_walk(&ends, tally(30, 23), 5);
	quiet_walk(&ends, tally(40, 33), 5);
	assert_int_equal(ends.n_told, 2);
}

static void nothing_is_told_where_all_are_seen(void **state)
{
	struct unseen_ends ends = { 0 };

	(void)state;
	quiet_walk(&ends, tally(10, 4), 6);
	quiet_walk(&ends, tally(10, 10), 0);
	assert_int_equal(ends.n_told, 0);
}

static void walk_during_which_something_moved_says_nothing(void **state)
{
	struct unseen_ends ends = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		unseen_ends_update(&ends, tally(10, 4), tally(11, 4), 0);
		unseen_ends_update(&ends, tally(10, 4), tally(10, 5), 0);
	}
	quiet_walk(&ends, tally(11, 5), 6);
	assert_int_equal(ends.n_told, 0);
}

static void one_walk_that_missed_some_changes_nothing(void **state)
{
	struct unseen_ends ends = { 0 };

	(void)state;
	quiet_walk(&ends, tally(10, 4), 3);
	quiet_walk(&ends, tally(10, 4), 6);
	quiet_walk(&ends, tally(10, 4), 2);
	assert_int_equal(ends.n_told, 0);
}

static void what_was_told_stays(void **state)
{
	struct unseen_ends ends = { 0 };

	(void)state;
	quiet_walk(&ends, tally(10, 4), 5);
	quiet_walk(&ends, tally(10, 4), 5);
	quiet_walk(&ends, tally(10, 4), 7); /* the walk saw one twice */
	assert_int_equal(ends.n_told, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_neither_ended_nor_lives_is_told_once_two_walks_agree),
		cmocka_unit_test(nothing_is_told_where_all_are_seen),
		cmocka_unit_test(walk_during_which_something_moved_says_nothing),
		cmocka_unit_test(one_walk_that_missed_some_changes_nothing),
		cmocka_unit_test(what_was_told_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
