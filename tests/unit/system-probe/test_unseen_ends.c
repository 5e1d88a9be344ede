/* SPDX-License-Identifier: Apache-2.0 */
#include "unseen_ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct tcp_tally tally(uint64_t n_begun, uint64_t n_ended)
{
	return (struct tcp_tally){ .n_begun = n_begun, .n_ended = n_ended };
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

static void what_moves_during_a_walk_is_not_taken_for_lost(void **state)
{
	struct unseen_ends ends = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		/* 6 lived before: 3 began and were not met, 2 ended and were not met. */
		unseen_ends_update(&ends, tally(10, 4), tally(13, 6), 4);
		/* 3 began and were met, 2 ended after they had been. */
		unseen_ends_update(&ends, tally(10, 4), tally(13, 6), 9);
	}
	assert_int_equal(ends.n_told, 0);
}

static void what_is_lost_beyond_what_moves_is_told(void **state)
{
	struct unseen_ends ends = { 0 };

	(void)state;
	/* 100 lived before, of which 30 are lost; 5 began, of which 3 were met; 4 ended. */
	for (int i = 0; i < 2; i++)
		unseen_ends_update(&ends, tally(200, 100), tally(205, 104), 70 - 4 + 3);
	assert_int_equal(ends.n_told, 30 - 3);
}

static void as_many_as_were_freed_may_have_been_passed_over(void **state)
{
	struct unseen_ends ends = { 0 };
	struct tcp_tally before = { 10, 4, .n_freed = 7 }, after = { 10, 4, .n_freed = 9 };

	(void)state;
	for (int i = 0; i < 2; i++)
		unseen_ends_update(&ends, before, after, 4);
	assert_int_equal(ends.n_told, 0);
	for (int i = 0; i < 2; i++)
		unseen_ends_update(&ends, before, after, 3);
	assert_int_equal(ends.n_told, 1);
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
		cmocka_unit_test(what_moves_during_a_walk_is_not_taken_for_lost),
		cmocka_unit_test(what_is_lost_beyond_what_moves_is_told),
		cmocka_unit_test(as_many_as_were_freed_may_have_been_passed_over),
		cmocka_unit_test(one_walk_that_missed_some_changes_nothing),
		cmocka_unit_test(what_was_told_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
