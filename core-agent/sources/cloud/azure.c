/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Azure Instance Metadata Service: one request for everything. It names no virtual
 * network. "Azure Instance Metadata Service for virtual machines" has the shapes.
 */
#include "provider.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* Zones have numbers there; whole, as Kubernetes writes it: "eastus-1". */
static void take_zone(struct cloud_facts *facts, const char *zone)
{
	char text[CLOUD_VALUE_SIZE];
	int n = 0;

	if (zone && *zone)
		n = snprintf(text, sizeof(text), "%s-%s", facts->values[CLOUD_REGION], zone);
	cloud_facts_set(facts, CLOUD_ZONE, n > 0 && n < (int)sizeof(text) ? text : NULL);
}

static int take_compute(struct cloud_facts *facts, const json_t *compute)
{
	const char *id = member(compute, "vmId");

	if (!id || !*id)
		return -EBADMSG;
	cloud_facts_set(facts, CLOUD_INSTANCE_ID, id);
	cloud_facts_set(facts, CLOUD_INSTANCE_NAME, member(compute, "name"));
	cloud_facts_set(facts, CLOUD_INSTANCE_TYPE, member(compute, "vmSize"));
	cloud_facts_set(facts, CLOUD_REGION, member(compute, "location"));
	cloud_facts_set(facts, CLOUD_AZURE_GROUP, member(compute, "resourceGroupName"));
	cloud_facts_set(facts, CLOUD_AZURE_SUBSCRIPTION, member(compute, "subscriptionId"));
	take_zone(facts, member(compute, "zone"));
	return 0;
}

static bool next(struct cloud_exchange *exchange, struct cloud_request *ret)
{
	if (exchange->step > 0)
		return false;
	*ret = (struct cloud_request){.path = "/metadata/instance?api-version=2021-02-01",
				      .header = "Metadata: true"};
	return true;
}

static int take(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	json_t *metadata = json_loadb(answer->body, answer->size, 0, NULL);
	int r = take_compute(&exchange->facts, json_object_get(metadata, "compute"));

	exchange->step++;
	json_decref(metadata);
	return r;
}

const struct cloud_provider cloud_azure = {
	.name = "azure",
	.remedy = "let the agent reach 169.254.169.254, without proxy",
	.next = next,
	.take = take,
};
