/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "intake/queue.h"

/* An item of `n` messages of 10 bytes and one connection each. */
static struct queue_item *item(time_t time, size_t n)
{
	struct queue_item *item = queue_item_new(time, n);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(queue_item_add(item, malloc(10), 10, 1), 0);
	return item;
}

static time_t time_of_first(const struct queue *queue)
{
	const struct queue_item *first = NULL;
	uint32_t batch;

	return queue_first(queue, &first, &batch) ? queue_item_time(first) : 0;
}

static uint32_t batch_of_first(const struct queue *queue)
{
	const struct queue_item *first;
	uint32_t batch = UINT32_MAX;

	(void)queue_first(queue, &first, &batch);
	return batch;
}

static void empty_queue_has_no_first_message(void **state)
{
	struct queue *queue = queue_new(100);
	const struct queue_item *first;
	uint32_t batch;

	(void)state;
	assert_null(queue_first(queue, &first, &batch));
	queue_remove_first(queue);
	queue_free(queue);
}

static void oldest_item_comes_first(void **state)
{
	struct queue *queue = queue_new(100);

	(void)state;
	queue_add(queue, item(1, 1));
	queue_add(queue, item(2, 1));
	assert_int_equal(time_of_first(queue), 1);
	queue_remove_first(queue);
	assert_int_equal(time_of_first(queue), 2);
	queue_free(queue);
}

static void messages_of_an_item_come_in_order(void **state)
{
	struct queue *queue = queue_new(100);

	(void)state;
	queue_add(queue, item(1, 2));
	assert_int_equal(batch_of_first(queue), 0);
	queue_remove_first(queue);
	assert_int_equal(batch_of_first(queue), 1);
	queue_free(queue);
}

static void oldest_item_is_given_up_when_full(void **state)
{
	struct queue *queue = queue_new(40);

	(void)state;
	assert_int_equal(queue_add(queue, item(1, 2)).n_connections, 0);
	assert_int_equal(queue_add(queue, item(2, 2)).n_connections, 0);
	assert_int_equal(queue_add(queue, item(3, 1)).n_connections, 2);
	assert_int_equal(time_of_first(queue), 2);
	queue_free(queue);
}

static void item_larger_than_the_queue_is_given_up(void **state)
{
	struct queue *queue = queue_new(15);

	(void)state;
	assert_int_equal(queue_add(queue, item(1, 1)).n_connections, 0);
	assert_int_equal(queue_add(queue, item(2, 2)).n_connections, 3);
	assert_int_equal(queue_n_connections(queue), 0);
	queue_free(queue);
}

static void posted_messages_are_not_lost_with_their_item(void **state)
{
	struct queue *queue = queue_new(30);

	(void)state;
	queue_add(queue, item(1, 3));
	queue_remove_first(queue);
	assert_int_equal(queue_add(queue, item(2, 2)).n_connections, 2);
	queue_free(queue);
}

static struct queue_item *telling_item(time_t time, size_t n, uint64_t n_dropped)
{
	const struct payload_telemetry telemetry = {.n_closed = 1, .n_closed_dropped = 2,
						    .n_dropped = n_dropped};
	struct queue_item *one = item(time, n);

	queue_item_set_telemetry(one, &telemetry);
	return one;
}

static void what_an_item_would_have_told_is_lost_with_it(void **state)
{
	struct queue *queue = queue_new(30);
	struct queue_loss loss;

	(void)state;
	queue_add(queue, telling_item(1, 2, 10));
	loss = queue_add(queue, telling_item(2, 4, 100)); /* too large as well */
	assert_int_equal(loss.n_connections, 6);
	assert_int_equal(loss.telemetry.n_dropped, 110);
	assert_int_equal(loss.telemetry.n_closed, 2);
	assert_int_equal(loss.telemetry.n_closed_dropped, 4);
	queue_free(queue);
}

static void only_the_first_message_tells(void **state)
{
	struct queue *queue = queue_new(30);
	struct queue_loss first, second;

	(void)state;
	queue_add(queue, telling_item(1, 3, 10));
	first = queue_remove_first(queue);
	second = queue_remove_first(queue);
	assert_int_equal(first.telemetry.n_dropped, 10);
	assert_int_equal(second.n_connections, 1);
	assert_int_equal(second.telemetry.n_dropped, 0);
	assert_int_equal(queue_add(queue, item(2, 3)).telemetry.n_dropped, 0);
	queue_free(queue);
}

static void message_beyond_the_items_size_is_refused(void **state)
{
	struct queue_item *full = item(1, 1);

	(void)state;
	assert_int_equal(queue_item_add(full, malloc(10), 10, 1), -ENOSPC);
	queue_item_free(full);
}

static void item_without_messages_is_not_kept(void **state)
{
	struct queue *queue = queue_new(30);

	(void)state;
	assert_int_equal(queue_add(queue, item(1, 0)).n_connections, 0);
	assert_int_equal(time_of_first(queue), 0);
	queue_free(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_queue_has_no_first_message),
		cmocka_unit_test(oldest_item_comes_first),
		cmocka_unit_test(messages_of_an_item_come_in_order),
		cmocka_unit_test(oldest_item_is_given_up_when_full),
		cmocka_unit_test(item_larger_than_the_queue_is_given_up),
		cmocka_unit_test(posted_messages_are_not_lost_with_their_item),
		cmocka_unit_test(what_an_item_would_have_told_is_lost_with_it),
		cmocka_unit_test(only_the_first_message_tells),
		cmocka_unit_test(message_beyond_the_items_size_is_refused),
		cmocka_unit_test(item_without_messages_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
