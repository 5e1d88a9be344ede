/* SPDX-License-Identifier: Apache-2.0 */
#include "label_tags.h"

#include <fnmatch.h>
#include <string.h>

#include "options.h"
#include "tags/tag.h"
#include "tags/tag_list.h"

#define TEMPLATE "%%label%%"

static const struct {
	const char *label, *key;
} standard[] = {
	{"com.datadoghq.tags.service", "service"},
	{"com.datadoghq.tags.env", "env"},
	{"com.datadoghq.tags.version", "version"},
	{"io.kubernetes.pod.namespace", "kube_namespace"},
	{"io.kubernetes.pod.name", "pod_name"},
	{"io.kubernetes.container.name", "kube_container_name"},
};

bool label_tags_is_pod_uid(const char *label)
{
	return strcmp(label, "io.kubernetes.pod.uid") == 0;
}

/* No tag has room for more than what fits. */
static void append(char key[TAG_SIZE], size_t *used, const char *text, size_t size)
{
	size_t room = TAG_SIZE - 1 - *used;
	size_t n = size < room ? size : room;

	memcpy(key + *used, text, n);
	*used += n;
	key[*used] = '\0';
}

static void add_by_rule(struct tag_list *list, const char *template, const char *label,
			const char *value)
{
	char key[TAG_SIZE] = "";
	size_t used = 0;

	for (;;) {
		const char *found = strstr(template, TEMPLATE);

		append(key, &used, template, found ? (size_t)(found - template) : strlen(template));
		if (!found)
			break;
		append(key, &used, label, strlen(label));
		template = found + strlen(TEMPLATE);
	}
	tag_list_add(list, key, value);
}

void label_tags_add_allowed(struct tag_list *list, const struct option_map *rules,
			    const char *label, const char *value)
{
	for (size_t i = 0; i < rules->n; i++)
		if (fnmatch(rules->items[i].key, label, FNM_CASEFOLD | FNM_NOESCAPE) == 0)
			add_by_rule(list, rules->items[i].value, label, value);
}

void label_tags_add(struct tag_list *list, const struct option_map *const *rules, size_t n_rules,
		    const char *label, const char *value)
{
	for (size_t i = 0; i < sizeof(standard) / sizeof(*standard); i++)
		if (strcmp(label, standard[i].label) == 0)
			tag_list_add(list, standard[i].key, value);
	for (size_t i = 0; i < n_rules; i++)
		label_tags_add_allowed(list, rules[i], label, value);
}
