/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is known of this host beyond what its kernel says: where it runs, and what it is to
 * be called. Its tags are those of ENTITY_HOST. Pure.
 */

#include <stdbool.h>

/* In this order the better one. */
enum host_name_source {
	HOST_NAME_SETTING,
	HOST_NAME_CLOUD,  /* the instance id, or what the provider's users are used to */
	HOST_NAME_NODE,	  /* of Kubernetes: in a pod the kernel's is the pod's */
	HOST_NAME_FQDN,
	HOST_NAME_KERNEL, /* uname -n */
	HOST_NAME_N_SOURCES,
};

enum host_fact {
	HOST_CLOUD_PROVIDER,	/* aws, gcp, azure */
	HOST_INSTANCE_ID,
	HOST_INSTANCE_TYPE,
	HOST_ZONE,
	HOST_REGION,
	HOST_NETWORK_ID,	/* of the VPC or virtual network */
	HOST_SUBNET_ID,		/* of the interface with the default route */
	HOST_ECS_CLUSTER,
	HOST_KUBE_NODE,		/* name of this node in its cluster: the setting's, then the kubelet's */
	HOST_N_FACTS,
};

struct host_facts;
struct subnets;

/* NULL: out of memory. */
struct host_facts *host_facts_new(void);
void host_facts_free(struct host_facts *facts);

/* Cut at 255 bytes; bytes but printable ASCII become '_'. Empty or NULL: unknown. */
void host_facts_set_name(struct host_facts *facts, enum host_name_source source,
			 const char *name);
void host_facts_set(struct host_facts *facts, enum host_fact fact, const char *value);

void host_facts_set_subnets(struct host_facts *facts, const struct subnets *subnets); /* copied */

/* The name of the best source that has one; "" only before the first is set. */
const char *host_facts_name(const struct host_facts *facts);
const char *host_facts_name_source(const struct host_facts *facts); /* "setting", "cloud" ... */

/* "": unknown */
const char *host_facts_get(const struct host_facts *facts, enum host_fact fact);
const struct subnets *host_facts_subnets(const struct host_facts *facts);
const char *host_fact_name(enum host_fact fact); /* "instance_id" ... */
