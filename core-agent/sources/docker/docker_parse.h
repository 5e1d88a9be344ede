/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What Docker's API says of containers, and Podman's in the same words: JSON to structs.
 * Pure. Fields: https://docs.docker.com/reference/api/engine/ (ContainerList,
 * ContainerInspect, SystemEvents), since version 1.24.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tags/entities.h"

#define DOCKER_MAX_ID 64

/* Strings are never NULL; "" is unknown. All of it is borrowed from the JSON. */
struct docker_container {
	const char *id;	     /* 1 .. DOCKER_MAX_ID hex digits */
	const char *name;    /* without the leading slash */
	const char *image;   /* as it was named when the container was made, or the image's id */
	const json_t *labels; /* of strings, among maybe others; NULL: none */
	bool is_running;
	bool has_networks; /* `addresses` is all there are; false: not said */
	struct entity_address addresses[ENTITY_MAX_ADDRESSES];
	size_t n_addresses; /* 0 for one that does not run or has the host's network */
};

typedef void (*docker_on_container)(const struct docker_container *container, void *context);

/*
 * One object of the list that /containers/json gives; one that names no id is passed over. Then
 * the answer of /containers/ID/json. 0, or -EBADMSG.
 */
int docker_parse_listed(const char *text, size_t size, docker_on_container on_container,
			void *context);
int docker_parse_inspect(const char *text, size_t size, docker_on_container on_container,
			 void *context);

enum docker_event {
	DOCKER_EVENT_CREATED, /* has name, image, labels, as the two below */
	DOCKER_EVENT_STARTED,
	DOCKER_EVENT_DIED,
	DOCKER_EVENT_CHANGED, /* renamed, or other networks: ask */
	DOCKER_EVENT_REMOVED,
};

typedef void (*docker_on_event)(enum docker_event event, const struct docker_container *container,
				void *context);

/* One object of /events. Others than those above are passed over. 0, or -EBADMSG. */
int docker_parse_event(const char *text, size_t size, docker_on_event on_event, void *context);
