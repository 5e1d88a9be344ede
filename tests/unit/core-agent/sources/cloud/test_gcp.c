/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "exchange_fixture.h"

#define PATH "/computeMetadata/v1/?recursive=true"

static struct cloud_exchange exchange;

static int talk(const char *flavor, const char *body)
{
	const struct page pages[] = {{PATH, body}, {NULL, NULL}};

	return exchange_fixture_talk(&exchange, &cloud_gcp, flavor, pages);
}

static int setup(void **state)
{
	(void)state;
	cloud_exchange_init(&exchange, &cloud_gcp, false, "");
	return 0;
}

static const char whole[] =
	"{\"instance\":{\"attributes\":{\"startup-script\":\"secret\"},"
	"\"hostname\":\"web-1.c.p1.internal\",\"id\":5089834957183247613,"
	"\"image\":\"projects/debian-cloud/global/images/debian-12\","
	"\"machineType\":\"projects/7/machineTypes/n1-standard-1\",\"name\":\"web-1\","
	"\"networkInterfaces\":[{\"network\":\"projects/7/networks/default\"},"
	"{\"network\":\"projects/7/networks/other\"}],"
	"\"tags\":[\"http-server\",\"blue\"],\"zone\":\"projects/7/zones/us-east1-b\"},"
	"\"project\":{\"numericProjectId\":7,\"projectId\":\"p1\"}}";

static void one_answer_has_all_facts(void **state)
{
	(void)state;
	assert_int_equal(talk("Google", whole), 1);
	assert_string_equal(exchange.facts.values[CLOUD_INSTANCE_ID], "5089834957183247613");
	assert_string_equal(exchange.facts.values[CLOUD_INSTANCE_NAME], "web-1");
	assert_string_equal(exchange.facts.values[CLOUD_INSTANCE_TYPE], "n1-standard-1");
	assert_string_equal(exchange.facts.values[CLOUD_IMAGE], "debian-12");
	assert_string_equal(exchange.facts.values[CLOUD_ZONE], "us-east1-b");
	assert_string_equal(exchange.facts.values[CLOUD_REGION], "us-east1");
	assert_string_equal(exchange.facts.values[CLOUD_GCP_PROJECT], "p1");
	assert_string_equal(exchange.facts.values[CLOUD_NETWORK_ID], "projects/7/networks/default");
	assert_string_equal(exchange.facts.values[CLOUD_HOSTNAME], "web-1.c.p1.internal");
}

static void network_tags_are_tags_and_attributes_are_not(void **state)
{
	(void)state;
	assert_int_equal(talk("Google", whole), 1);
	assert_int_equal(exchange.facts.own_tags.n, 2);
	assert_string_equal(exchange_fixture_tag(&exchange, "tag"), "http-server");
}

static void network_tags_can_be_left_out(void **state)
{
	(void)state;
	exchange.is_without_tags = true;
	assert_int_equal(talk("Google", whole), 1);
	assert_int_equal(exchange.facts.own_tags.n, 0);
}

static void request_has_the_header_that_google_wants(void **state)
{
	struct cloud_request request;

	(void)state;
	assert_true(cloud_gcp.next(&exchange, &request));
	assert_string_equal(request.path, PATH);
	assert_string_equal(request.header, "Metadata-Flavor: Google");
}

static void answer_without_googles_header_is_refused(void **state)
{
	(void)state;
	assert_int_equal(talk(NULL, whole), -EBADMSG);
	setup(NULL);
	assert_int_equal(talk("google", whole), -EBADMSG);
}

static void what_is_no_metadata_is_refused(void **state)
{
	static const char *const bodies[] = {
		"", "{", "[]", "{\"instance\":7}", "{\"instance\":{\"id\":\"7\"},\"project\":{}}",
		"{\"instance\":{\"id\":-7},\"project\":{}}", "{\"instance\":{\"id\":7}}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		setup(NULL);
		assert_int_equal(talk("Google", bodies[i]), -EBADMSG);
	}
}

static void zone_without_a_dash_is_in_no_region(void **state)
{
	(void)state;
	assert_int_equal(talk("Google", "{\"instance\":{\"id\":7,\"zone\":\"nowhere\"},"
					"\"project\":{}}"),
			 1);
	assert_string_equal(exchange.facts.values[CLOUD_ZONE], "nowhere");
	assert_string_equal(exchange.facts.values[CLOUD_REGION], "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_answer_has_all_facts, setup),
		cmocka_unit_test_setup(network_tags_are_tags_and_attributes_are_not, setup),
		cmocka_unit_test_setup(network_tags_can_be_left_out, setup),
		cmocka_unit_test_setup(request_has_the_header_that_google_wants, setup),
		cmocka_unit_test_setup(answer_without_googles_header_is_refused, setup),
		cmocka_unit_test_setup(what_is_no_metadata_is_refused, setup),
		cmocka_unit_test_setup(zone_without_a_dash_is_in_no_region, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
