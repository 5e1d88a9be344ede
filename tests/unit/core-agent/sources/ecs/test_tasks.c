/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sources/ecs/tasks.h"
#include "tags/tag_list.h"

#define ARN "arn:aws:ecs:us-west-2:111122223333:task/default/158d"

static struct {
	int n;
	char first_id[80];
	struct tag_list tags; /* of the first */
} told;

static void on_container(const struct ecs_container *container, void *context)
{
	(void)context;
	if (told.n++ > 0)
		return;
	snprintf(told.first_id, sizeof(told.first_id), "%s", container->id);
	ecs_container_tags(container, &told.tags);
}

static bool has(const char *tag)
{
	for (size_t i = 0; i < told.tags.n; i++)
		if (strcmp(tag_list_get(&told.tags, i), tag) == 0)
			return true;
	return false;
}

static int setup(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	return 0;
}

static int parse_task(const char *text)
{
	return ecs_parse_task(text, strlen(text), on_container, NULL);
}

static int parse_tasks(const char *text)
{
	return ecs_parse_tasks(text, strlen(text), "shop", on_container, NULL);
}

static void own_task_gives_its_containers_all_tags(void **state)
{
	(void)state;
	assert_int_equal(
		parse_task("{\"Cluster\":\"arn:aws:ecs:us-west-2:1:cluster/shop\",\"TaskARN\":\"" ARN
			   "\",\"Family\":\"web\",\"Revision\":\"26\",\"ServiceName\":\"front\","
			   "\"Containers\":[{\"DockerId\":\"aa\",\"Name\":\"nginx\","
			   "\"DockerName\":\"ecs-web-26-nginx-e2\"},{\"DockerId\":\"bb\"}]}"),
		0);
	assert_int_equal(told.n, 2);
	assert_string_equal(told.first_id, "aa");
	assert_true(has("task_arn:" ARN));
	assert_true(has("task_name:web"));
	assert_true(has("task_family:web"));
	assert_true(has("task_version:26"));
	assert_true(has("ecs_service:front"));
	assert_true(has("ecs_cluster:shop"));
	assert_true(has("ecs_cluster_name:shop"));
	assert_true(has("ecs_container_name:nginx"));
	assert_true(has("container_name:ecs-web-26-nginx-e2"));
}

static void tasks_of_the_instance_get_its_cluster(void **state)
{
	(void)state;
	assert_int_equal(
		parse_tasks("{\"Tasks\":[{\"Arn\":\"" ARN "\",\"Family\":\"web\",\"Version\":\"8\","
			    "\"Containers\":[{\"DockerId\":\"aa\",\"Name\":\"nginx\"}]},"
			    "{\"Arn\":\"" ARN "2\",\"Containers\":[{\"DockerId\":\"bb\"}]}]}"),
		0);
	assert_int_equal(told.n, 2);
	assert_true(has("ecs_cluster:shop"));
	assert_true(has("task_version:8"));
	assert_true(has("container_name:nginx"));
}

static void container_that_the_runtime_does_not_have_yet_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(parse_tasks("{\"Tasks\":[{\"Arn\":\"" ARN "\",\"Containers\":["
				     "{\"DockerId\":\"\",\"Name\":\"a\"},{\"Name\":\"b\"},7]},"
				     "{\"Containers\":[{\"DockerId\":\"aa\"}]}]}"),
			 0);
	assert_int_equal(told.n, 0);
}

static void instance_without_tasks_is_an_answer(void **state)
{
	(void)state;
	assert_int_equal(parse_tasks("{\"Tasks\":[]}"), 0);
	assert_int_equal(told.n, 0);
}

static void other_answers_are_refused_before_anything_is_told(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"Tasks\":{}}",
		"{\"TaskARN\":7,\"Containers\":[]}",
		"{\"TaskARN\":\"a\"}",
		"{\"Tasks\":[{\"Arn\":\"a\",\"Containers\":[{\"DockerId\":\"b\"}]}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(parse_task(texts[i]), -EBADMSG);
		assert_int_equal(parse_tasks(texts[i]), -EBADMSG);
	}
	assert_int_equal(told.n, 0);
}

static void cluster_is_a_name_or_the_end_of_an_arn(void **state)
{
	const char name[] = "{\"Cluster\":\"shop\"}";
	const char arn[] = "{\"Cluster\":\"arn:aws:ecs:us-west-2:1:cluster/shop\"}";
	char cluster[ECS_CLUSTER_SIZE];

	(void)state;
	assert_int_equal(ecs_parse_cluster(name, strlen(name), cluster), 0);
	assert_string_equal(cluster, "shop");
	assert_int_equal(ecs_parse_cluster(arn, strlen(arn), cluster), 0);
	assert_string_equal(cluster, "shop");
}

static void cluster_without_a_name_is_refused(void **state)
{
	static const char *const texts[] = {"", "{}", "{\"Cluster\":7}", "{\"Cluster\":\"a/\"}"};
	char cluster[ECS_CLUSTER_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(ecs_parse_cluster(texts[i], strlen(texts[i]), cluster), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(own_task_gives_its_containers_all_tags, setup),
		cmocka_unit_test_setup(tasks_of_the_instance_get_its_cluster, setup),
		cmocka_unit_test_setup(container_that_the_runtime_does_not_have_yet_is_left_out,
				       setup),
		cmocka_unit_test_setup(instance_without_tasks_is_an_answer, setup),
		cmocka_unit_test_setup(other_answers_are_refused_before_anything_is_told, setup),
		cmocka_unit_test(cluster_is_a_name_or_the_end_of_an_arn),
		cmocka_unit_test(cluster_without_a_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
