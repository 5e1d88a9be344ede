/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <time.h>

#include "source_fixture.h"

#define ONE                                                                                        \
	"{\"Tasks\":[{\"Arn\":\"arn:aws:ecs:r:1:task/shop/1\",\"Family\":\"web\","                 \
	"\"Version\":\"8\",\"Containers\":[{\"DockerId\":\"aa\",\"Name\":\"nginx\"}]}]}"
#define OTHER                                                                                      \
	"{\"Tasks\":[{\"Arn\":\"arn:aws:ecs:r:1:task/shop/2\",\"Family\":\"db\","                  \
	"\"Version\":\"1\",\"Containers\":[{\"DockerId\":\"bb\",\"Name\":\"pg\"}]}]}"

static const char *tasks; /* what /v1/tasks answers; NULL: status 500 */

static void on_request(struct evhttp_request *request, void *context)
{
	const char *uri = evhttp_request_get_uri(request);

	(void)context;
	if (strcmp(uri, "/v1/metadata") == 0)
		source_fixture_reply(request, "{\"Cluster\":\"shop\"}");
	else if (strcmp(uri, "/v1/tasks") == 0 && tasks)
		source_fixture_reply(request, tasks);
	else
		evhttp_send_error(request, 500, NULL);
}

static int setup(void **state)
{
	static struct source_fixture fixture;
	int r = source_fixture_setup(&fixture);

	*state = &fixture;
	tasks = ONE;
	evhttp_set_gencb(fixture.server, on_request, NULL);
	return r;
}

static int teardown(void **state)
{
	source_fixture_teardown(*state);
	return 0;
}

static void begin(struct source_fixture *fixture)
{
	source_fixture_set(fixture, "ecs_agent_url", fixture->url);
	assert_int_equal(source_fixture_start(fixture, &ecs_source), 0);
	source_fixture_run(fixture, 1);
}

static void containers_get_the_tags_of_their_task(void **state)
{
	struct source_fixture *fixture = *state;

	begin(fixture);
	assert_string_equal(source_fixture_tag(fixture, ENTITY_CONTAINER, "aa", "task_family"),
			    "web");
	assert_string_equal(source_fixture_tag(fixture, ENTITY_CONTAINER, "aa", "ecs_cluster"),
			    "shop");
	assert_string_equal(source_fixture_tag(fixture, ENTITY_HOST, "", "ecs_cluster_name"),
			    "shop");
	assert_string_equal(host_facts_get(fixture->host, HOST_ECS_CLUSTER), "shop");
}

static void unknown_container_is_asked_for_before_the_interval_ends(void **state)
{
	struct source_fixture *fixture = *state;
	time_t began = time(NULL);

	begin(fixture);
	tasks = OTHER;
	ecs_source.wanted(fixture->source, ENTITY_CONTAINER, "bb", NULL);
	source_fixture_run(fixture, 2);
	assert_true(time(NULL) - began < 15);
	assert_string_equal(source_fixture_tag(fixture, ENTITY_CONTAINER, "bb", "task_family"),
			    "db");
	assert_int_equal(entities_n_from(fixture->entities, ENTITY_FROM_ECS), 2);
}

static void failed_list_leaves_what_was_known(void **state)
{
	struct source_fixture *fixture = *state;

	begin(fixture);
	tasks = NULL;
	ecs_source.wanted(fixture->source, ENTITY_CONTAINER, "bb", NULL);
	source_fixture_run(fixture, 2);
	assert_int_equal(ecs_source.health(fixture->source)->state, SOURCE_FAILING);
	assert_string_equal(source_fixture_tag(fixture, ENTITY_CONTAINER, "aa", "task_family"),
			    "web");
	assert_int_equal(entities_n_from(fixture->entities, ENTITY_FROM_ECS), 2);
}

static void outside_of_ecs_there_is_no_source(void **state)
{
	assert_int_equal(source_fixture_start(*state, &ecs_source), -ENODEV);
}

#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FIXTURE(containers_get_the_tags_of_their_task),
		IN_FIXTURE(unknown_container_is_asked_for_before_the_interval_ends),
		IN_FIXTURE(failed_list_leaves_what_was_known),
		IN_FIXTURE(outside_of_ecs_there_is_no_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
