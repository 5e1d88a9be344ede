/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One socket that speaks Docker's API: a list of all containers at the start, every five
 * minutes and after each loss of contact; a stream of events in between, which names a
 * container before it runs; and one question for what an event does not say.
 */

#include "sources/source.h"

struct docker_api;

struct docker_api_settings {
	const char *name; /* of the source, static */
	enum entity_source source;
	const char *socket;	/* path; copied */
	bool is_absence_normal; /* there may never be one here: no failure until it was there */
	const struct option_map *const *label_rules; /* static, as what it points to */
	size_t n_label_rules;
};

/* Starts by itself. NULL: out of memory. */
struct docker_api *docker_api_new(const struct source_context *context,
				  const struct docker_api_settings *settings);
void docker_api_free(struct docker_api *api); /* takes NULL; what it said stays */

const struct source_health *docker_api_health(const struct docker_api *api);
const char *docker_api_socket(const struct docker_api *api);

/* Somebody is unknown: where the socket is out of reach, try it now. */
void docker_api_wanted(struct docker_api *api);
