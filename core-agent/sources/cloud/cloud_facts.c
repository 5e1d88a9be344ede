/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_facts.h"

#include <stdio.h>
#include <string.h>

/* A fact may be known by two keys: users of one cloud's own tags know the second. */
static const struct {
	const char *key;
	enum cloud_fact fact;
} tags[] = {
	{"instance-id", CLOUD_INSTANCE_ID},
	{"name", CLOUD_INSTANCE_NAME},
	{"instance-type", CLOUD_INSTANCE_TYPE},
	{"image", CLOUD_IMAGE},
	{"availability-zone", CLOUD_ZONE},
	{"region", CLOUD_REGION},
	{"aws_account", CLOUD_AWS_ACCOUNT},
	{"project_id", CLOUD_GCP_PROJECT},
	{"project", CLOUD_GCP_PROJECT},
	{"subscription_id", CLOUD_AZURE_SUBSCRIPTION},
	{"resource_group", CLOUD_AZURE_GROUP},
};

void cloud_facts_clear(struct cloud_facts *facts, const char *provider)
{
	facts->provider = provider;
	memset(facts->values, 0, sizeof(facts->values));
	tag_list_clear(&facts->own_tags);
	memset(&facts->subnets, 0, sizeof(facts->subnets));
}

void cloud_facts_set(struct cloud_facts *facts, enum cloud_fact fact, const char *value)
{
	size_t size = value ? strlen(value) : 0;

	if (size >= CLOUD_VALUE_SIZE)
		size = 0;
	if (size > 0)
		memcpy(facts->values[fact], value, size);
	facts->values[fact][size] = '\0';
}

void cloud_facts_set_last(struct cloud_facts *facts, enum cloud_fact fact, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	cloud_facts_set(facts, fact, slash ? slash + 1 : path);
}

static void add_own(const struct tag_list *own, struct tag_list *list)
{
	char key[CLOUD_VALUE_SIZE];

	for (size_t i = 0; i < own->n; i++) {
		const char *tag = tag_list_get(own, i);
		size_t size = strcspn(tag, ":");

		memcpy(key, tag, size); /* TAG_MAX_KEY_BYTES at most */
		key[size] = '\0';
		tag_list_add(list, key, tag + size + 1);
	}
	list->n_left_out += own->n_left_out;
	list->n_cut += own->n_cut;
}

void cloud_facts_tags(const struct cloud_facts *facts, struct tag_list *list)
{
	tag_list_clear(list);
	tag_list_add(list, "cloud_provider", facts->provider);
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		tag_list_add(list, tags[i].key, facts->values[tags[i].fact]);
	add_own(&facts->own_tags, list);
}

static void azure_name_of(const struct cloud_facts *facts, enum azure_name style,
			  char ret[CLOUD_VALUE_SIZE])
{
	const char *vm = facts->values[CLOUD_INSTANCE_NAME];
	const char *group = facts->values[CLOUD_AZURE_GROUP];
	const char *subscription = facts->values[CLOUD_AZURE_SUBSCRIPTION];
	int n = 0;

	if (style == AZURE_NAME_VM)
		n = snprintf(ret, CLOUD_VALUE_SIZE, "%s", vm);
	else if (style == AZURE_NAME_VM_AND_GROUP)
		n = snprintf(ret, CLOUD_VALUE_SIZE, "%s.%s", vm, group);
	else if (style == AZURE_NAME_FULL)
		n = snprintf(ret, CLOUD_VALUE_SIZE, "%s.%s.%s", vm, group, subscription);
	else if (style == AZURE_NAME_VM_ID)
		n = snprintf(ret, CLOUD_VALUE_SIZE, "%s", facts->values[CLOUD_INSTANCE_ID]);
	if (n <= 0 || n >= CLOUD_VALUE_SIZE || *ret == '.')
		*ret = '\0';
}

void cloud_facts_name(const struct cloud_facts *facts, enum azure_name azure_name,
		      char ret[CLOUD_VALUE_SIZE])
{
	*ret = '\0';
	if (strcmp(facts->provider, "aws") == 0)
		strcpy(ret, facts->values[CLOUD_INSTANCE_ID]); /* of the same size */
	else if (strcmp(facts->provider, "gcp") == 0)
		strcpy(ret, facts->values[CLOUD_HOSTNAME]);
	else
		azure_name_of(facts, azure_name, ret);
}
