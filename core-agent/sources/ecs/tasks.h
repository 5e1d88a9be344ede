/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the agents of Amazon ECS tell of tasks: the task metadata endpoint (versions 3 and
 * 4, of one task) and the introspection of the container agent (of a whole instance). Pure.
 * The shapes are those of the Amazon ECS Developer Guide.
 */

#include <stddef.h>

struct tag_list;

#define ECS_CLUSTER_SIZE 256 /* a name has 255 characters at most */

/* Strings live as long as the call; NULL: not told. */
struct ecs_container {
	const char *id; /* as the runtime has it */
	const char *name; /* in the task definition */
	const char *runtime_name;
	const char *task_arn;
	const char *family;
	const char *version;
	const char *service;
	const char *cluster; /* name, or ARN */
};

typedef void (*ecs_on_container)(const struct ecs_container *container, void *context);

/*
 * Each container that the runtime has. 0, or -EBADMSG before the first call: this is not
 * such an answer. What lacks an id or an ARN is left out.
 */
int ecs_parse_task(const char *bytes, size_t size, ecs_on_container on_container, void *context);
int ecs_parse_tasks(const char *bytes, size_t size, const char *cluster,
		    ecs_on_container on_container, void *context);

/* Of /v1/metadata. 0, or -EBADMSG. */
int ecs_parse_cluster(const char *bytes, size_t size, char ret[ECS_CLUSTER_SIZE]);

/* What follows the last slash of an ARN; the whole of a name. */
const char *ecs_short_name(const char *name);

/* `list` is cleared first. */
void ecs_container_tags(const struct ecs_container *container, struct tag_list *list);
