/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "exchange_fixture.h"

#define PATH "/metadata/instance?api-version=2021-02-01"

static struct cloud_exchange exchange;

static int talk(const char *body)
{
	const struct page pages[] = {{PATH, body}, {NULL, NULL}};

	cloud_exchange_init(&exchange, &cloud_azure, false, "");
	return exchange_fixture_talk(&exchange, &cloud_azure, NULL, pages);
}

static void one_answer_has_all_facts(void **state)
{
	(void)state;
	assert_int_equal(talk("{\"compute\":{\"location\":\"westeurope\",\"name\":\"vm-7\","
			      "\"resourceGroupName\":\"rg\",\"subscriptionId\":\"8d10\","
			      "\"vmId\":\"02aa\",\"vmSize\":\"Standard_A3\",\"zone\":\"2\"}}"),
			 1);
	assert_string_equal(exchange.facts.values[CLOUD_INSTANCE_ID], "02aa");
	assert_string_equal(exchange.facts.values[CLOUD_INSTANCE_NAME], "vm-7");
	assert_string_equal(exchange.facts.values[CLOUD_INSTANCE_TYPE], "Standard_A3");
	assert_string_equal(exchange.facts.values[CLOUD_REGION], "westeurope");
	assert_string_equal(exchange.facts.values[CLOUD_ZONE], "westeurope-2");
	assert_string_equal(exchange.facts.values[CLOUD_AZURE_GROUP], "rg");
	assert_string_equal(exchange.facts.values[CLOUD_AZURE_SUBSCRIPTION], "8d10");
}

static void machine_outside_of_zones_has_none(void **state)
{
	(void)state;
	assert_int_equal(talk("{\"compute\":{\"location\":\"westus\",\"vmId\":\"02aa\",\"zone\":\"\"}}"),
			 1);
	assert_string_equal(exchange.facts.values[CLOUD_ZONE], "");
}

static void request_has_the_header_that_azure_wants(void **state)
{
	struct cloud_request request;

	(void)state;
	cloud_exchange_init(&exchange, &cloud_azure, false, "");
	assert_true(cloud_azure.next(&exchange, &request));
	assert_string_equal(request.path, PATH);
	assert_string_equal(request.header, "Metadata: true");
}

static void what_is_no_metadata_is_refused(void **state)
{
	static const char *const bodies[] = {
		"", "{", "[]", "{\"compute\":null}", "{\"compute\":{\"vmId\":7}}",
		"{\"compute\":{\"vmId\":\"\"}}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		assert_int_equal(talk(bodies[i]), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_answer_has_all_facts),
		cmocka_unit_test(machine_outside_of_zones_has_none),
		cmocka_unit_test(request_has_the_header_that_azure_wants),
		cmocka_unit_test(what_is_no_metadata_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
