/* SPDX-License-Identifier: Apache-2.0 */
#include "record_log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct record_log *new_log(size_t max_records, size_t max_bytes)
{
	struct record_log *log = record_log_new(max_records, max_bytes);

	assert_non_null(log);
	return log;
}

static int append_filled(struct record_log *log, uint8_t byte, size_t size)
{
	uint8_t bytes[512];

	memset(bytes, byte, sizeof(bytes));
	return record_log_append(log, bytes, size);
}

static void sizes_of_zero_are_refused_at_birth(void **state)
{
	(void)state;
	assert_null(record_log_new(0, 100));
	assert_null(record_log_new(100, 0));
}

static void free_takes_null(void **state)
{
	(void)state;
	record_log_free(NULL);
}

static void empty_log_begins_at_one_and_has_nothing(void **state)
{
	struct record_log *log = new_log(4, 100);
	struct record_log_entry entry;

	(void)state;
	assert_int_equal(record_log_first_sequence(log), 1);
	assert_int_equal(record_log_next_sequence(log), 1);
	assert_int_equal(record_log_get(log, 0, &entry), -ENOENT);
	assert_int_equal(record_log_get(log, 1, &entry), -ENOENT);
	record_log_free(log);
}

static void record_comes_back_as_it_went_in(void **state)
{
	struct record_log *log = new_log(4, 100);
	struct record_log_entry entry;

	(void)state;
	assert_int_equal(record_log_append(log, (const uint8_t *)"one", 3), 0);
	assert_int_equal(record_log_append(log, (const uint8_t *)"two!", 4), 0);
	assert_int_equal(record_log_get(log, 2, &entry), 0);
	assert_int_equal(entry.size, 4);
	assert_memory_equal(entry.bytes, "two!", 4);
	assert_int_equal(record_log_get(log, 3, &entry), -ENOENT);
	record_log_free(log);
}

static void empty_and_oversized_records_are_refused_and_change_nothing(void **state)
{
	struct record_log *log = new_log(4, 100);

	(void)state;
	assert_int_equal(append_filled(log, 1, 60), 0);
	assert_int_equal(append_filled(log, 2, 0), -EMSGSIZE);
	assert_int_equal(append_filled(log, 2, 101), -EMSGSIZE);
	assert_int_equal(record_log_first_sequence(log), 1);
	assert_int_equal(record_log_next_sequence(log), 2);
	record_log_free(log);
}

static void record_of_max_bytes_takes_the_place_of_all(void **state)
{
	struct record_log *log = new_log(4, 100);
	struct record_log_entry entry;

	(void)state;
	assert_int_equal(append_filled(log, 1, 30), 0);
	assert_int_equal(append_filled(log, 2, 30), 0);
	assert_int_equal(append_filled(log, 3, 100), 0);
	assert_int_equal(record_log_first_sequence(log), 3);
	assert_int_equal(record_log_first_sequence(log), 3);
	assert_int_equal(record_log_get(log, 3, &entry), 0);
	assert_int_equal(entry.size, 100);
	record_log_free(log);
}

static void max_records_bounds_the_log(void **state)
{
	struct record_log *log = new_log(3, 100);

	(void)state;
	for (uint8_t i = 1; i <= 5; i++)
		assert_int_equal(append_filled(log, i, 2), 0);
	assert_int_equal(record_log_first_sequence(log), 3);
	assert_int_equal(record_log_next_sequence(log), 6);
	assert_int_equal(record_log_first_sequence(log), 3);
	record_log_free(log);
}

static void one_record_at_most_keeps_the_newest(void **state)
{
	struct record_log *log = new_log(1, 10);
	struct record_log_entry entry;

	(void)state;
	for (uint8_t i = 1; i <= 7; i++)
		assert_int_equal(append_filled(log, i, 1 + i % 3), 0);
	assert_int_equal(record_log_first_sequence(log), 7);
	assert_int_equal(record_log_get(log, 7, &entry), 0);
	assert_int_equal(entry.bytes[0], 7);
	assert_int_equal(record_log_first_sequence(log), 7);
	record_log_free(log);
}

static void max_bytes_bounds_the_log(void **state)
{
	struct record_log *log = new_log(100, 100);

	(void)state;
	for (uint8_t i = 1; i <= 4; i++)
		assert_int_equal(append_filled(log, i, 25), 0);
	assert_int_equal(record_log_first_sequence(log), 1);
	assert_int_equal(append_filled(log, 5, 25), 0);
	assert_int_equal(record_log_first_sequence(log), 2);
	assert_int_equal(record_log_first_sequence(log), 2);
	record_log_free(log);
}

/* The third does not fit behind the second: it starts at 0 over the first. */
static void record_that_does_not_fit_the_end_starts_over(void **state)
{
	struct record_log *log = new_log(100, 100);
	struct record_log_entry second, third;

	(void)state;
	assert_int_equal(append_filled(log, 1, 40), 0);
	assert_int_equal(append_filled(log, 2, 40), 0);
	assert_int_equal(append_filled(log, 3, 30), 0);
	assert_int_equal(record_log_first_sequence(log), 2);
	assert_int_equal(record_log_get(log, 2, &second), 0);
	assert_int_equal(record_log_get(log, 3, &third), 0);
	assert_int_equal(second.bytes[39], 2);
	assert_int_equal(third.bytes[29], 3);
	record_log_free(log);
}

static void number_is_never_used_again(void **state)
{
	struct record_log *log = new_log(2, 100);
	struct record_log_entry entry;

	(void)state;
	for (int i = 1; i <= 1000; i++) {
		assert_int_equal(record_log_next_sequence(log), i);
		assert_int_equal(append_filled(log, (uint8_t)i, 7), 0);
	}
	assert_int_equal(record_log_get(log, 1, &entry), -ENOENT);
	assert_int_equal(record_log_get(log, 998, &entry), -ENOENT);
	assert_int_equal(record_log_get(log, 999, &entry), 0);
	record_log_free(log);
}

/* The model: every size there ever was, and content that follows from the number. */
#define MODEL_APPENDS 20000
#define MODEL_MAX_SIZE 60

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static uint8_t content(uint64_t sequence, size_t index)
{
	return (uint8_t)(sequence * 31 + index);
}

static void append_model(struct record_log *log, uint64_t sequence, size_t size)
{
	uint8_t bytes[MODEL_MAX_SIZE];

	for (size_t i = 0; i < size; i++)
		bytes[i] = content(sequence, i);
	assert_int_equal(record_log_append(log, bytes, size), 0);
}

static size_t check_one(const struct record_log *log, uint64_t sequence, size_t size)
{
	struct record_log_entry entry;

	assert_int_equal(record_log_get(log, sequence, &entry), 0);
	assert_int_equal(entry.size, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(entry.bytes[i], content(sequence, i));
	return size;
}

/*
 * Everything since `first` is there byte for byte and within both bounds; what
 * gave way last did not do so for nothing: with it a bound would be passed but
 * for the gaps that records leave which do not fit before the end.
 */
static void check_against_model(const struct record_log *log, const size_t *sizes, uint64_t last,
				size_t max_records, size_t max_bytes)
{
	uint64_t first = record_log_first_sequence(log);
	size_t total = 0;

	assert_int_equal(record_log_next_sequence(log), last + 1);
	for (uint64_t sequence = first; sequence <= last; sequence++)
		total += check_one(log, sequence, sizes[sequence]);
	assert_true(last + 1 - first <= max_records);
	assert_true(total <= max_bytes);
	assert_true(first == 1 || last + 1 - first == max_records ||
		    total + sizes[first - 1] + (size_t)2 * MODEL_MAX_SIZE > max_bytes);
}

static void compare_with_model(size_t max_records, size_t max_bytes, uint32_t seed)
{
	size_t *sizes = calloc(MODEL_APPENDS + 1, sizeof(*sizes));
	struct record_log *log = new_log(max_records, max_bytes);

	for (uint64_t sequence = 1; sequence <= MODEL_APPENDS; sequence++) {
		sizes[sequence] = 1 + next_random(&seed) % MODEL_MAX_SIZE;
		append_model(log, sequence, sizes[sequence]);
		check_against_model(log, sizes, sequence, max_records, max_bytes);
	}
	record_log_free(log);
	free(sizes);
}

static void random_appends_agree_with_model_when_bytes_bind(void **state)
{
	(void)state;
	compare_with_model(1000, 997, 1);
}

static void random_appends_agree_with_model_when_records_bind(void **state)
{
	(void)state;
	compare_with_model(13, 4096, 2);
}

static void random_appends_agree_with_model_when_either_binds(void **state)
{
	(void)state;
	compare_with_model(16, 500, 3);
}

static void random_appends_agree_with_model_in_the_smallest_ring(void **state)
{
	(void)state;
	compare_with_model(3, MODEL_MAX_SIZE, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_of_zero_are_refused_at_birth),
		cmocka_unit_test(free_takes_null),
		cmocka_unit_test(empty_log_begins_at_one_and_has_nothing),
		cmocka_unit_test(record_comes_back_as_it_went_in),
		cmocka_unit_test(empty_and_oversized_records_are_refused_and_change_nothing),
		cmocka_unit_test(record_of_max_bytes_takes_the_place_of_all),
		cmocka_unit_test(max_records_bounds_the_log),
		cmocka_unit_test(one_record_at_most_keeps_the_newest),
		cmocka_unit_test(max_bytes_bounds_the_log),
		cmocka_unit_test(record_that_does_not_fit_the_end_starts_over),
		cmocka_unit_test(number_is_never_used_again),
		cmocka_unit_test(random_appends_agree_with_model_when_bytes_bind),
		cmocka_unit_test(random_appends_agree_with_model_when_records_bind),
		cmocka_unit_test(random_appends_agree_with_model_when_either_binds),
		cmocka_unit_test(random_appends_agree_with_model_in_the_smallest_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
