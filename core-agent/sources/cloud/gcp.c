/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata server of Compute Engine: one request for everything, with the header that
 * it asks for and that its answers have. "About VM metadata" and "Predefined metadata
 * keys" in its documentation have the shapes.
 */
#include "provider.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void take_network_tags(struct cloud_exchange *exchange, const json_t *tags)
{
	for (size_t i = 0; i < json_array_size(tags) && !exchange->is_without_tags; i++)
		tag_list_add(&exchange->facts.own_tags, "tag",
			     json_string_value(json_array_get(tags, i)));
}

/* "us-east1-b" is in "us-east1". */
static void take_zone(struct cloud_facts *facts, const char *path)
{
	char region[CLOUD_VALUE_SIZE];
	char *dash;

	cloud_facts_set_last(facts, CLOUD_ZONE, path);
	strcpy(region, facts->values[CLOUD_ZONE]); /* of the same size */
	dash = strrchr(region, '-');
	if (dash)
		*dash = '\0';
	cloud_facts_set(facts, CLOUD_REGION, dash ? region : NULL);
}

static void take_instance(struct cloud_exchange *exchange, const json_t *instance)
{
	const json_t *interfaces = json_object_get(instance, "networkInterfaces");
	struct cloud_facts *facts = &exchange->facts;

	cloud_facts_set(facts, CLOUD_INSTANCE_NAME, member(instance, "name"));
	cloud_facts_set_last(facts, CLOUD_INSTANCE_TYPE, member(instance, "machineType"));
	cloud_facts_set_last(facts, CLOUD_IMAGE, member(instance, "image"));
	take_zone(facts, member(instance, "zone"));
	cloud_facts_set(facts, CLOUD_HOSTNAME, member(instance, "hostname"));
	cloud_facts_set(facts, CLOUD_NETWORK_ID,
			member(json_array_get(interfaces, 0), "network"));
	take_network_tags(exchange, json_object_get(instance, "tags"));
}

static int take_metadata(struct cloud_exchange *exchange, const json_t *metadata)
{
	const json_t *instance = json_object_get(metadata, "instance");
	const json_t *project = json_object_get(metadata, "project");
	const json_t *id = json_object_get(instance, "id");
	char text[24];

	if (json_integer_value(id) <= 0 || !json_is_object(project)) /* 0: no integer */
		return -EBADMSG;
	(void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(id));
	cloud_facts_set(&exchange->facts, CLOUD_INSTANCE_ID, text);
	cloud_facts_set(&exchange->facts, CLOUD_GCP_PROJECT, member(project, "projectId"));
	take_instance(exchange, instance);
	return 0;
}

static bool next(struct cloud_exchange *exchange, struct cloud_request *ret)
{
	if (exchange->step > 0)
		return false;
	*ret = (struct cloud_request){.path = "/computeMetadata/v1/?recursive=true",
				      .header = "Metadata-Flavor: Google"};
	return true;
}

static int take(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	json_t *metadata;
	int r;

	exchange->step++;
	if (!answer->flavor || strcmp(answer->flavor, "Google") != 0)
		return -EBADMSG;
	metadata = json_loadb(answer->body, answer->size, 0, NULL);
	r = take_metadata(exchange, metadata);
	json_decref(metadata);
	return r;
}

const struct cloud_provider cloud_gcp = {
	.name = "gcp",
	.remedy = "let the agent reach 169.254.169.254",
	.next = next,
	.take = take,
};
