/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which labels of a container become tags. Pure. */

#include <stdbool.h>
#include <stddef.h>

struct option_map;
struct tag_list;

/*
 * Adds what stands for this label: a tag of its own (service, env, version by the labels
 * com.datadoghq.tags.*; kube_namespace, pod_name, kube_container_name by those that a
 * kubelet gives), and one for each rule that it matches. A rule's key is the label or a
 * pattern as of fnmatch(3), in any case; its value the key of the tag, in which %%label%%
 * is the label.
 */
void label_tags_add(struct tag_list *list, const struct option_map *const *rules, size_t n_rules,
		    const char *label, const char *value);

/* By the rules alone. */
void label_tags_add_allowed(struct tag_list *list, const struct option_map *rules,
			    const char *label, const char *value);

/* The label that a kubelet gives a container for its pod's uid. */
bool label_tags_is_pod_uid(const char *label);
