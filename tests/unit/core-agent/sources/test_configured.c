/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "source_fixture.h"

static int setup(void **state)
{
	static struct source_fixture fixture;

	*state = &fixture;
	return source_fixture_setup(&fixture);
}

static int teardown(void **state)
{
	source_fixture_teardown(*state);
	return 0;
}

static void tags_of_the_setting_are_those_of_the_host(void **state)
{
	struct source_fixture *fixture = *state;

	source_fixture_set(fixture, "tags", "env:prod url:http://x:80/");
	assert_int_equal(source_fixture_start(fixture, &configured_source), 0);
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "env"), "prod");
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "url"), "http://x:80/");
}

static void word_without_a_colon_is_a_value(void **state)
{
	struct source_fixture *fixture = *state;

	source_fixture_set(fixture, "tags", "canary");
	assert_int_equal(source_fixture_start(fixture, &configured_source), 0);
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "tag"), "canary");
}

static void without_the_setting_there_is_no_source(void **state)
{
	struct source_fixture *fixture = *state;

	assert_int_equal(source_fixture_start(fixture, &configured_source), -ENODEV);
	assert_null(entities_find(fixture->entities, ENTITY_HOST, ""));
}

static void source_is_well_from_the_start(void **state)
{
	struct source_fixture *fixture = *state;

	source_fixture_set(fixture, "tags", "env:prod");
	assert_int_equal(source_fixture_start(fixture, &configured_source), 0);
	assert_int_equal(configured_source.health(fixture->source)->state, SOURCE_OK);
}

#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FIXTURE(tags_of_the_setting_are_those_of_the_host),
		IN_FIXTURE(word_without_a_colon_is_a_value),
		IN_FIXTURE(without_the_setting_there_is_no_source),
		IN_FIXTURE(source_is_well_from_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
