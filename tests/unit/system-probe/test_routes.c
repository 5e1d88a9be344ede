/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "batch_source.h"
#include "status.h"

/* Who answers, for the table alone: told apart by address, never called. */
struct batch_source *snapshot_source_new(struct probe *probe)
{
	(void)probe;
	return NULL;
}

struct batch_source *closed_source_new(struct probe *probe, uint64_t from_sequence)
{
	(void)probe;
	(void)from_sequence;
	return NULL;
}

struct batch_source *process_source_new(struct probe *probe, uint64_t from_sequence)
{
	(void)probe;
	(void)from_sequence;
	return NULL;
}

int status_write_json(struct probe *probe, struct evbuffer *out)
{
	(void)probe;
	(void)out;
	return 0;
}

int status_write_prometheus(struct probe *probe, struct evbuffer *out)
{
	(void)probe;
	(void)out;
	return 0;
}

static uint64_t parsed(const char *query)
{
	uint64_t from = 99;

	assert_int_equal(route_parse_query(query, &from), 0);
	return from;
}

static int refused(const char *query)
{
	uint64_t from = 99;
	int r = route_parse_query(query, &from);

	assert_int_equal(from, 99);
	return r;
}

static void each_path_has_who_answers_it(void **state)
{
	(void)state;
	assert_ptr_equal(route_find("/v1/closed")->stream, closed_source_new);
	assert_ptr_equal(route_find("/v1/processes")->stream, process_source_new);
	assert_ptr_equal(route_find("/v1/status")->answer, status_write_json);
	assert_ptr_equal(route_find("/metrics")->answer, status_write_prometheus);
	assert_non_null(route_find("/v1/connections")->stream);
}

static void other_paths_are_none(void **state)
{
	(void)state;
	assert_null(route_find("/"));
	assert_null(route_find(""));
	assert_null(route_find("/v1/closed/"));
	assert_null(route_find("/v1/close"));
	assert_null(route_find("/V1/CLOSED"));
}

static void no_query_is_from_the_first(void **state)
{
	(void)state;
	assert_int_equal(parsed(NULL), 1);
	assert_int_equal(parsed(""), 1);
}

static void from_is_a_decimal_number(void **state)
{
	(void)state;
	assert_int_equal(parsed("from=0"), 0);
	assert_int_equal(parsed("from=42"), 42);
	assert_int_equal(parsed("from=18446744073709551615"), UINT64_MAX);
}

static void number_over_64_bits_is_refused(void **state)
{
	(void)state;
	assert_int_equal(refused("from=18446744073709551616"), -EINVAL);
	assert_int_equal(refused("from=99999999999999999999999"), -EINVAL);
}

static void anything_but_digits_is_refused(void **state)
{
	(void)state;
	assert_int_equal(refused("from="), -EINVAL);
	assert_int_equal(refused("from=-1"), -EINVAL);
	assert_int_equal(refused("from=+1"), -EINVAL);
	assert_int_equal(refused("from= 1"), -EINVAL);
	assert_int_equal(refused("from=1 "), -EINVAL);
	assert_int_equal(refused("from=0x10"), -EINVAL);
	assert_int_equal(refused("from=1e3"), -EINVAL);
	assert_int_equal(refused("from=%31"), -EINVAL);
}

static void other_parameters_are_refused(void **state)
{
	(void)state;
	assert_int_equal(refused("to=1"), -EINVAL);
	assert_int_equal(refused("from"), -EINVAL);
	assert_int_equal(refused("From=1"), -EINVAL);
	assert_int_equal(refused("from=1&from=2"), -EINVAL);
	assert_int_equal(refused("x=1&from=2"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path_has_who_answers_it),
		cmocka_unit_test(other_paths_are_none),
		cmocka_unit_test(no_query_is_from_the_first),
		cmocka_unit_test(from_is_a_decimal_number),
		cmocka_unit_test(number_over_64_bits_is_refused),
		cmocka_unit_test(anything_but_digits_is_refused),
		cmocka_unit_test(other_parameters_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
