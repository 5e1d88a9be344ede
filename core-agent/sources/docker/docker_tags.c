/* SPDX-License-Identifier: Apache-2.0 */
#include "docker_tags.h"

#include <stdbool.h>
#include <string.h>

#include "docker_parse.h"
#include "sources/image_name.h"
#include "sources/label_tags.h"
#include "tags/tag_list.h"

/* What an event puts among the labels; no label of sense is called so. */
static bool is_word_of_event(const char *label)
{
	static const char *const words[] = {"name", "image", "exitCode", "containerExitCode",
					    "podId", "oldName", "signal", "execDuration"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(label, words[i]) == 0)
			return true;
	return false;
}

const char *docker_tags_get(const struct docker_container *container,
			    const struct option_map *const *rules, size_t n_rules,
			    struct tag_list *list)
{
	const char *label, *pod_uid = NULL;
	json_t *item;

	tag_list_clear(list);
	tag_list_add(list, "container_name", container->name);
	(void)image_name_add_tags(list, container->image); /* has no name: no tags */
	json_object_foreach((json_t *)(uintptr_t)container->labels, label, item) {
		const char *value = json_string_value(item);

		if (!value || is_word_of_event(label))
			continue;
		label_tags_add(list, rules, n_rules, label, value);
		if (label_tags_is_pod_uid(label))
			pod_uid = value;
	}
	return pod_uid;
}
