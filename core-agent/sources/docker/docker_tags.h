/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tags of a container as Docker describes it. Pure. */

#include <stddef.h>

struct docker_container;
struct option_map;
struct tag_list;

/*
 * Clears `list` first. Returns the uid of its pod, where a kubelet made it, or NULL; as long
 * valid as the container.
 */
const char *docker_tags_get(const struct docker_container *container,
			    const struct option_map *const *rules, size_t n_rules,
			    struct tag_list *list);
