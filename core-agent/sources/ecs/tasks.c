/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "tags/tag_list.h"

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && *text ? text : NULL;
}

static void tell_containers(const json_t *task, struct ecs_container *container,
			    ecs_on_container on_container, void *context)
{
	const json_t *all = json_object_get(task, "Containers");

	for (size_t i = 0; container->task_arn && i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);

		container->id = member(one, "DockerId");
		container->name = member(one, "Name");
		container->runtime_name = member(one, "DockerName");
		if (container->id)
			on_container(container, context);
	}
}

int ecs_parse_task(const char *bytes, size_t size, ecs_on_container on_container, void *context)
{
	json_t *task = json_loadb(bytes, size, 0, NULL);
	struct ecs_container container = {
		.task_arn = member(task, "TaskARN"),
		.family = member(task, "Family"),
		.version = member(task, "Revision"),
		.service = member(task, "ServiceName"),
		.cluster = member(task, "Cluster"),
	};
	bool is_task = container.task_arn && json_is_array(json_object_get(task, "Containers"));

	if (is_task)
		tell_containers(task, &container, on_container, context);
	json_decref(task);
	return is_task ? 0 : -EBADMSG;
}

int ecs_parse_tasks(const char *bytes, size_t size, const char *cluster,
		    ecs_on_container on_container, void *context)
{
	json_t *answer = json_loadb(bytes, size, 0, NULL);
	const json_t *tasks = json_object_get(answer, "Tasks");
	bool are_tasks = json_is_array(tasks);

	for (size_t i = 0; i < json_array_size(tasks); i++) {
		const json_t *task = json_array_get(tasks, i);
		struct ecs_container container = {
			.task_arn = member(task, "Arn"),
			.family = member(task, "Family"),
			.version = member(task, "Version"),
			.cluster = cluster,
		};

		tell_containers(task, &container, on_container, context);
	}
	json_decref(answer);
	return are_tasks ? 0 : -EBADMSG;
}

int ecs_parse_cluster(const char *bytes, size_t size, char ret[ECS_CLUSTER_SIZE])
{
	json_t *answer = json_loadb(bytes, size, 0, NULL);
	const char *cluster = member(answer, "Cluster");
	const char *name = cluster ? ecs_short_name(cluster) : "";
	size_t length = strlen(name);
	int r = length > 0 && length < ECS_CLUSTER_SIZE ? 0 : -EBADMSG;

	if (r == 0)
		memcpy(ret, name, length + 1);
	json_decref(answer);
	return r;
}

const char *ecs_short_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

void ecs_container_tags(const struct ecs_container *container, struct tag_list *list)
{
	const char *cluster = container->cluster ? ecs_short_name(container->cluster) : NULL;

	tag_list_clear(list);
	tag_list_add(list, "task_arn", container->task_arn);
	/* ECS gives tasks no name; existing dashboards have the family there. */
	tag_list_add(list, "task_name", container->family);
	tag_list_add(list, "task_family", container->family);
	tag_list_add(list, "task_version", container->version);
	tag_list_add(list, "ecs_service", container->service);
	tag_list_add(list, "ecs_cluster", cluster);
	tag_list_add(list, "ecs_cluster_name", cluster);
	tag_list_add(list, "ecs_container_name", container->name);
	tag_list_add(list, "container_name",
		     container->runtime_name ? container->runtime_name : container->name);
}
