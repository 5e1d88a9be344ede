/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a cloud's metadata service says of the instance, in one form for all clouds, and
 * what becomes of it: tags of the host, and its name. Pure.
 */

#include "subnets.h"
#include "tags/tag_list.h"

#define CLOUD_VALUE_SIZE 256

enum cloud_fact {
	CLOUD_INSTANCE_ID,
	CLOUD_INSTANCE_NAME,
	CLOUD_INSTANCE_TYPE,
	CLOUD_IMAGE,
	CLOUD_ZONE,
	CLOUD_REGION,
	CLOUD_AWS_ACCOUNT,
	CLOUD_GCP_PROJECT,
	CLOUD_AZURE_SUBSCRIPTION,
	CLOUD_AZURE_GROUP,
	CLOUD_NETWORK_ID,
	CLOUD_SUBNET_ID,
	CLOUD_HOSTNAME, /* that the cloud gave it in its DNS */
	CLOUD_N_FACTS,
};

/* As azure_hostname_style of the settings, and in its order. */
enum azure_name {
	AZURE_NAME_OS, /* the cloud has no say */
	AZURE_NAME_VM,
	AZURE_NAME_VM_AND_GROUP,
	AZURE_NAME_FULL,
	AZURE_NAME_VM_ID,
};

struct cloud_facts {
	const char *provider; /* static: "aws", "gcp", "azure" */
	char values[CLOUD_N_FACTS][CLOUD_VALUE_SIZE]; /* empty: unknown */
	struct tag_list own_tags;		      /* that the instance's owner gave it */
	struct subnets subnets;
};

void cloud_facts_clear(struct cloud_facts *facts, const char *provider);

/* Takes NULL: unknown. A value that is too long is no fact of a cloud, and unknown. */
void cloud_facts_set(struct cloud_facts *facts, enum cloud_fact fact, const char *value);

/* Of "projects/7/zones/us-east1-b" what follows the last slash. */
void cloud_facts_set_last(struct cloud_facts *facts, enum cloud_fact fact, const char *path);

/* `list` is cleared first. The host's tags under the keys of existing dashboards. */
void cloud_facts_tags(const struct cloud_facts *facts, struct tag_list *list);

/*
 * What its users know the host by: the instance id (AWS), the DNS name with the project
 * (GCP), or as `azure_name` says. "": nothing of the kind.
 */
void cloud_facts_name(const struct cloud_facts *facts, enum azure_name azure_name,
		      char ret[CLOUD_VALUE_SIZE]);
