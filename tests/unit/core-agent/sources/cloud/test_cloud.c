/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "source_fixture.h"

static const char metadata[] =
	"{\"instance\":{\"hostname\":\"web-1.c.p1.internal\",\"id\":508,\"tags\":[\"blue\"],"
	"\"zone\":\"projects/7/zones/us-east1-b\"},\"project\":{\"projectId\":\"p1\"}}";

static void on_request(struct evhttp_request *request, void *context)
{
	(void)context;
	evhttp_add_header(evhttp_request_get_output_headers(request), "Metadata-Flavor", "Google");
	source_fixture_reply(request, metadata);
}

static int setup(void **state)
{
	static struct source_fixture fixture;
	int r = source_fixture_setup(&fixture);

	*state = &fixture;
	evhttp_set_gencb(fixture.server, on_request, NULL);
	source_fixture_set(&fixture, "sysprobe.sysfs_path", "/nowhere");
	source_fixture_set(&fixture, "sysprobe.gcp_metadata_host", fixture.url + strlen("http://"));
	source_fixture_set(&fixture, "sysprobe.aws_metadata_url", fixture.url);
	source_fixture_set(&fixture, "sysprobe.azure_metadata_url", fixture.url);
	return r;
}

static int teardown(void **state)
{
	source_fixture_teardown(*state);
	return 0;
}

static void what_the_cloud_says_are_tags_of_the_host(void **state)
{
	struct source_fixture *fixture = *state;

	assert_int_equal(source_fixture_start(fixture, &cloud_source), 0);
	source_fixture_run(fixture, 1);
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "cloud_provider"), "gcp");
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "availability-zone"),
			    "us-east1-b");
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "project_id"), "p1");
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "tag"), "blue");
}

static void what_the_cloud_says_are_facts_of_the_host(void **state)
{
	struct source_fixture *fixture = *state;

	assert_int_equal(source_fixture_start(fixture, &cloud_source), 0);
	source_fixture_run(fixture, 1);
	assert_string_equal(host_facts_get(fixture->host, HOST_CLOUD_PROVIDER), "gcp");
	assert_string_equal(host_facts_get(fixture->host, HOST_INSTANCE_ID), "508");
	assert_string_equal(host_facts_name(fixture->host), "web-1.c.p1.internal");
	assert_string_equal(host_facts_name_source(fixture->host), "cloud");
}

static void tags_of_the_settings_stay_beside_the_clouds(void **state)
{
	struct source_fixture *fixture = *state;
	struct source *configured;

	source_fixture_set(fixture, "tags", "env:prod region:mine");
	assert_int_equal(source_fixture_start(fixture, &configured_source), 0);
	configured = fixture->source;
	assert_int_equal(source_fixture_start(fixture, &cloud_source), 0);
	source_fixture_run(fixture, 1);
	configured_source.free(configured);
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "env"), "prod");
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "region"), "us-east1");
}

static void switched_off_there_is_no_source(void **state)
{
	static const char *const off[] = {"none", "alibaba"};
	struct source_fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		source_fixture_set(fixture, "cloud_provider_metadata", off[i]);
		assert_int_equal(source_fixture_start(fixture, &cloud_source), -ENODEV);
	}
}

static void nobody_who_answers_is_no_failure(void **state)
{
	struct source_fixture *fixture = *state;
	const struct timeval limit = {.tv_usec = 200000};

	source_fixture_set(fixture, "cloud_provider_metadata", "aws azure");
	assert_int_equal(source_fixture_start(fixture, &cloud_source), 0);
	event_base_loopexit(fixture->base, &limit);
	event_base_dispatch(fixture->base);
	assert_int_equal(cloud_source.health(fixture->source)->state, SOURCE_STARTING);
	assert_null(entities_find(fixture->entities, ENTITY_HOST, ""));
}

#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FIXTURE(what_the_cloud_says_are_tags_of_the_host),
		IN_FIXTURE(what_the_cloud_says_are_facts_of_the_host),
		IN_FIXTURE(tags_of_the_settings_stay_beside_the_clouds),
		IN_FIXTURE(switched_off_there_is_no_source),
		IN_FIXTURE(nobody_who_answers_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
