/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_owner.h"

#include "tags/tag.h"
#include "tags/tag_list.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a time in a Job's name lies between: before CronJobs were, and far ahead. */
#define MIN_SECONDS UINT64_C(1400000000)
#define MAX_SECONDS UINT64_C(1999999999)
#define MIN_MINUTES UINT64_C(26000000)
#define MAX_MINUTES UINT64_C(99999999)

static const struct {
	const char *kind, *key;
} keys[] = {
	{"ReplicaSet", "kube_replica_set"},
	{"StatefulSet", "kube_stateful_set"},
	{"DaemonSet", "kube_daemon_set"},
	{"Job", "kube_job"},
	{"ReplicationController", "kube_replication_controller"},
};

static bool is_due_time(const char *text)
{
	size_t size = strlen(text);
	uint64_t n;

	if (size != strspn(text, "0123456789") || size > 10)
		return false;
	n = strtoull(text, NULL, 10);
	return (size == 8 && n >= MIN_MINUTES && n <= MAX_MINUTES) ||
	       (size == 10 && n >= MIN_SECONDS && n <= MAX_SECONDS);
}

static void add_start(struct tag_list *list, const char *key, const char *name, const char *end)
{
	char start[TAG_SIZE];

	if (snprintf(start, sizeof(start), "%.*s", (int)(end - name), name) < (int)sizeof(start))
		tag_list_add(list, key, start);
}

static void add_kind(struct tag_list *list, const char *kind)
{
	char lower[TAG_SIZE];
	size_t n = 0;

	for (; kind[n] && n < sizeof(lower) - 1; n++)
		lower[n] = (char)(kind[n] >= 'A' && kind[n] <= 'Z' ? kind[n] - 'A' + 'a' : kind[n]);
	lower[n] = '\0';
	tag_list_add(list, "kube_ownerref_kind", lower);
}

void kube_owner_add_tags(struct tag_list *list, const char *kind, const char *name,
			 const char *template_hash)
{
	const char *dash;

	if (!kind || !name)
		return;
	add_kind(list, kind);
	tag_list_add(list, "kube_ownerref_name", name);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(keys[i].kind, kind) == 0)
			tag_list_add(list, keys[i].key, name);
	dash = strrchr(name, '-');
	if (!dash)
		return;
	if (strcmp(kind, "ReplicaSet") == 0 && template_hash && strcmp(dash + 1, template_hash) == 0)
		add_start(list, "kube_deployment", name, dash);
	if (strcmp(kind, "Job") == 0 && is_due_time(dash + 1))
		add_start(list, "kube_cronjob", name, dash);
}
