/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sources/host_facts.h"

static int setup(void **state)
{
	*state = host_facts_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	host_facts_free(*state);
	return 0;
}

static void name_is_that_of_the_best_source(void **state)
{
	static const char *const sources[] = {"setting", "cloud", "node", "fqdn", "kernel"};
	struct host_facts *facts = *state;

	for (int source = HOST_NAME_N_SOURCES - 1; source >= 0; source--) {
		host_facts_set_name(facts, (enum host_name_source)source, sources[source]);
		assert_string_equal(host_facts_name(facts), sources[source]);
		assert_string_equal(host_facts_name_source(facts), sources[source]);
	}
}

static void name_that_goes_leaves_the_next_best(void **state)
{
	struct host_facts *facts = *state;

	host_facts_set_name(facts, HOST_NAME_KERNEL, "box");
	host_facts_set_name(facts, HOST_NAME_CLOUD, "i-1");
	host_facts_set_name(facts, HOST_NAME_CLOUD, "");
	assert_string_equal(host_facts_name(facts), "box");
	assert_string_equal(host_facts_name_source(facts), "kernel");
}

static void name_is_empty_before_the_first(void **state)
{
	assert_string_equal(host_facts_name(*state), "");
}

static void fact_is_unknown_until_set_and_after_null(void **state)
{
	struct host_facts *facts = *state;

	assert_string_equal(host_facts_get(facts, HOST_ZONE), "");
	host_facts_set(facts, HOST_ZONE, "us-east1-b");
	assert_string_equal(host_facts_get(facts, HOST_ZONE), "us-east1-b");
	host_facts_set(facts, HOST_ZONE, NULL);
	assert_string_equal(host_facts_get(facts, HOST_ZONE), "");
}

static void bytes_that_do_not_print_are_replaced(void **state)
{
	struct host_facts *facts = *state;

	host_facts_set(facts, HOST_REGION, "a b\n\xc3\xa9~!");
	assert_string_equal(host_facts_get(facts, HOST_REGION), "a_b___~!");
}

static void value_is_cut_at_255_bytes(void **state)
{
	struct host_facts *facts = *state;
	char value[400];

	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	host_facts_set(facts, HOST_INSTANCE_ID, value);
	assert_int_equal(strlen(host_facts_get(facts, HOST_INSTANCE_ID)), 255);
}

static void each_fact_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < HOST_N_FACTS; a++) {
		assert_non_null(host_fact_name((enum host_fact)a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(host_fact_name((enum host_fact)a),
						host_fact_name((enum host_fact)b));
	}
}

#define WITH_FACTS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FACTS(name_is_that_of_the_best_source),
		WITH_FACTS(name_that_goes_leaves_the_next_best),
		WITH_FACTS(name_is_empty_before_the_first),
		WITH_FACTS(fact_is_unknown_until_set_and_after_null),
		WITH_FACTS(bytes_that_do_not_print_are_replaced),
		WITH_FACTS(value_is_cut_at_255_bytes),
		cmocka_unit_test(each_fact_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
