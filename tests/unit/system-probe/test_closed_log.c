/* SPDX-License-Identifier: Apache-2.0 */
#include "closed_log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sp_fixture.h"
#include "sysprobe.pb-c.h"

static struct closed_log *new_log(size_t max_records)
{
	struct closed_log *log = closed_log_new(max_records);

	assert_non_null(log);
	return log;
}

/* Connection number `n` of a test: every counter is another multiple of n. */
static struct sp_connection numbered(uint64_t n)
{
	struct sp_connection connection = ipv4_connection();

	connection.id = n;
	connection.counters = (struct sp_counters){ 3 * n, 5 * n, 7 * n, 11 * n };
	connection.retransmits = (uint32_t)(13 * n);
	return connection;
}

static void append_numbered(struct closed_log *log, uint64_t first, uint64_t last)
{
	for (uint64_t n = first; n <= last; n++) {
		struct sp_connection connection = numbered(n);

		assert_int_equal(closed_log_append(log, &connection), 0);
	}
}

static void assert_sum_of_first(const struct sp_overflow *sum, uint64_t n)
{
	uint64_t triangle = n * (n + 1) / 2;

	assert_int_equal(sum->connections, n);
	assert_int_equal(sum->counters.bytes_sent, 3 * triangle);
	assert_int_equal(sum->counters.bytes_received, 5 * triangle);
	assert_int_equal(sum->counters.packets_sent, 7 * triangle);
	assert_int_equal(sum->counters.packets_received, 11 * triangle);
	assert_int_equal(sum->retransmits, 13 * triangle);
}

static void entry_is_the_message_with_its_number(void **state)
{
	struct closed_log *log = new_log(10);
	struct record_log_entry entry;
	Sysprobe__V1__Connection *message;

	(void)state;
	append_numbered(log, 1, 3);
	assert_int_equal(closed_log_get(log, 2, &entry), 0);
	message = sysprobe__v1__connection__unpack(NULL, entry.size, entry.bytes);
	assert_non_null(message);
	assert_int_equal(message->id, 2);
	assert_int_equal(message->sequence, 2);
	assert_int_equal(message->bytes_received, 10);
	sysprobe__v1__connection__free_unpacked(message, NULL);
	closed_log_free(log);
}

static void oldest_records_give_way(void **state)
{
	struct closed_log *log = new_log(10);
	struct record_log_entry entry;

	(void)state;
	append_numbered(log, 1, 107);
	assert_int_equal(closed_log_first_sequence(log), 98);
	assert_int_equal(closed_log_next_sequence(log), 108);
	assert_int_equal(closed_log_get(log, 97, &entry), -ENOENT);
	closed_log_free(log);
}

static void total_is_the_sum_of_all_that_ever_came(void **state)
{
	struct closed_log *log = new_log(10);

	(void)state;
	append_numbered(log, 1, 7);
	assert_sum_of_first(closed_log_total(log), 7);
	append_numbered(log, 8, 107);
	assert_sum_of_first(closed_log_total(log), 107);
	closed_log_free(log);
}

static void records_that_fill_it_by_bytes_give_way_and_stay_in_the_total(void **state)
{
	struct closed_log *log = new_log(100);
	struct sp_connection connection = largest_connection();
	struct record_log_entry entry;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(closed_log_append(log, &connection), 0);
	assert_int_equal(closed_log_next_sequence(log), 101);
	assert_in_range(closed_log_first_sequence(log), 2, 100);
	assert_int_equal(closed_log_get(log, 1, &entry), -ENOENT);
	assert_int_equal(closed_log_total(log)->connections, 100);
	closed_log_free(log);
}

static void largest_connection_is_taken(void **state)
{
	struct closed_log *log = new_log(1);
	struct sp_connection connection = largest_connection();

	(void)state;
	assert_int_equal(closed_log_append(log, &connection), 0);
	assert_int_equal(closed_log_next_sequence(log), 2);
	closed_log_free(log);
}

static void free_takes_null(void **state)
{
	(void)state;
	closed_log_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_is_the_message_with_its_number),
		cmocka_unit_test(oldest_records_give_way),
		cmocka_unit_test(total_is_the_sum_of_all_that_ever_came),
		cmocka_unit_test(records_that_fill_it_by_bytes_give_way_and_stay_in_the_total),
		cmocka_unit_test(largest_connection_is_taken),
		cmocka_unit_test(free_takes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
