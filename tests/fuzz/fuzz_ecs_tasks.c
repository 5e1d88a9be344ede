/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/ecs/tasks.h"
#include "tags/tag_list.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_container(const struct ecs_container *container, void *context)
{
	ecs_container_tags(container, context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	char cluster[ECS_CLUSTER_SIZE];
	struct tag_list list;

	(void)ecs_parse_task(bytes, size, on_container, &list);
	(void)ecs_parse_tasks(bytes, size, "cluster", on_container, &list);
	(void)ecs_parse_cluster(bytes, size, cluster);
	return 0;
}
