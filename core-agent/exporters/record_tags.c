/* SPDX-License-Identifier: Apache-2.0 */
#include "record_tags.h"

#include <stdio.h>
#include <string.h>

#include "record_json.h"
#include "tags/tag.h"
#include "tags/tag_sets.h"

#define REMOTE_PREFIX "remote_"
#define CLASH_PREFIX "tag_"
#define NAME_SIZE (TAG_SIZE + sizeof(REMOTE_PREFIX CLASH_PREFIX))

/* README.md has them with their meaning; test_api_document.py holds the two together. */
static const char *const documented[] = {
	"container_name", "ecs_cluster", "ecs_container_name", "env", "image_name", "image_tag",
	"kube_container_name", "kube_cronjob", "kube_daemon_set", "kube_deployment", "kube_job",
	"kube_namespace", "kube_node", "kube_ownerref_kind", "kube_ownerref_name",
	"kube_replica_set", "kube_replication_controller", "kube_service", "kube_stateful_set",
	"pod_name", "short_image", "task_family", "task_name", "task_version", "version",
};

static size_t key_size(const char *tag)
{
	return strcspn(tag, ":"); /* tag_format() has put it there */
}

/* What the record says of service, env and version takes these tags in already. */
static bool is_of_service(const char *name)
{
	return strcmp(name, "service") == 0 || strcmp(name, "env") == 0 ||
	       strcmp(name, "version") == 0 || strcmp(name, "remote_service") == 0;
}

/* Empty: the tag is told elsewhere. */
static void make_name(const json_t *object, enum record_end end, const char *tag,
		      char ret[NAME_SIZE])
{
	const char *prefix = end == RECORD_REMOTE_END ? REMOTE_PREFIX : "";
	int size = (int)key_size(tag);

	(void)snprintf(ret, NAME_SIZE, "%s%.*s", prefix, size, tag); /* fits, as the next */
	if (is_of_service(ret))
		*ret = '\0';
	else if (record_json_has_field(ret) || json_object_get(object, ret))
		(void)snprintf(ret, NAME_SIZE, CLASH_PREFIX "%s%.*s", prefix, size, tag);
}

/* How many of the tags from the i-th on have its key. */
static size_t count_values(const struct tag_set *tags, size_t i)
{
	const char *first = tag_set_get(tags, i);
	size_t size = key_size(first) + 1, n = 1;

	while (i + n < tag_set_n(tags) && strncmp(tag_set_get(tags, i + n), first, size) == 0)
		n++;
	return n;
}

/* NULL: out of memory. */
static json_t *make_value(const struct tag_set *tags, size_t i, size_t n)
{
	size_t skip = key_size(tag_set_get(tags, i)) + 1;
	json_t *array;

	if (n == 1)
		return json_string_nocheck(tag_set_get(tags, i) + skip);
	array = json_array();
	for (size_t k = 0; k < n; k++)
		/* A failure leaves a value out of many out; nothing else depends on it. */
		(void)json_array_append_new(array,
					    json_string_nocheck(tag_set_get(tags, i + k) + skip));
	return array;
}

int record_tags_set(json_t *object, enum record_end end, const struct tag_set *tags)
{
	char name[NAME_SIZE];
	int result = 0;

	for (size_t i = 0, n; i < tag_set_n(tags); i += n) {
		n = count_values(tags, i);
		make_name(object, end, tag_set_get(tags, i), name);
		if (*name)
			result |= json_object_set_new_nocheck(object, name,
							      make_value(tags, i, n));
	}
	return result;
}

static bool is_documented(const char *key)
{
	for (size_t i = 0; i < sizeof(documented) / sizeof(*documented); i++)
		if (strcmp(documented[i], key) == 0)
			return true;
	return false;
}

static const char *skip_prefix(const char *name, const char *prefix)
{
	size_t size = strlen(prefix);

	return strncmp(name, prefix, size) == 0 ? name + size : name;
}

bool record_tags_has_field(const struct tag_sets *sets, const char *name)
{
	const char *key = skip_prefix(skip_prefix(name, CLASH_PREFIX), REMOTE_PREFIX);

	return is_documented(key) || tag_sets_has_key(sets, key) || tag_sets_has_key(sets, name);
}
