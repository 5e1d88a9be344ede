/* SPDX-License-Identifier: Apache-2.0 */
#include "host_facts.h"

#include <stdlib.h>
#include <string.h>

#include "subnets.h"

#define VALUE_SIZE 256

struct host_facts {
	char names[HOST_NAME_N_SOURCES][VALUE_SIZE];
	char values[HOST_N_FACTS][VALUE_SIZE];
	struct subnets subnets;
};

struct host_facts *host_facts_new(void)
{
	return calloc(1, sizeof(struct host_facts));
}

void host_facts_free(struct host_facts *facts)
{
	free(facts);
}

static void copy_printable(char to[VALUE_SIZE], const char *from)
{
	size_t n = 0;

	for (; from && *from && n < VALUE_SIZE - 1; from++)
		to[n++] = *from > ' ' && *from <= '~' ? *from : '_';
	to[n] = '\0';
}

void host_facts_set_name(struct host_facts *facts, enum host_name_source source, const char *name)
{
	copy_printable(facts->names[source], name);
}

void host_facts_set(struct host_facts *facts, enum host_fact fact, const char *value)
{
	copy_printable(facts->values[fact], value);
}

void host_facts_set_subnets(struct host_facts *facts, const struct subnets *subnets)
{
	facts->subnets = *subnets;
}

static int best_source(const struct host_facts *facts)
{
	for (int source = 0; source < HOST_NAME_N_SOURCES; source++)
		if (facts->names[source][0])
			return source;
	return HOST_NAME_KERNEL;
}

const char *host_facts_name(const struct host_facts *facts)
{
	return facts->names[best_source(facts)];
}

const char *host_facts_name_source(const struct host_facts *facts)
{
	static const char *const names[] = {[HOST_NAME_SETTING] = "setting",
					    [HOST_NAME_CLOUD] = "cloud",
					    [HOST_NAME_NODE] = "node",
					    [HOST_NAME_FQDN] = "fqdn",
					    [HOST_NAME_KERNEL] = "kernel"};

	return names[best_source(facts)];
}

const char *host_facts_get(const struct host_facts *facts, enum host_fact fact)
{
	return facts->values[fact];
}

const struct subnets *host_facts_subnets(const struct host_facts *facts)
{
	return &facts->subnets;
}

const char *host_fact_name(enum host_fact fact)
{
	static const char *const names[HOST_N_FACTS] = {
		[HOST_CLOUD_PROVIDER] = "cloud_provider", [HOST_INSTANCE_ID] = "instance_id",
		[HOST_INSTANCE_TYPE] = "instance_type",	  [HOST_ZONE] = "availability_zone",
		[HOST_REGION] = "region",		  [HOST_NETWORK_ID] = "network_id",
		[HOST_SUBNET_ID] = "subnet_id",		  [HOST_ECS_CLUSTER] = "ecs_cluster",
		[HOST_KUBE_NODE] = "kube_node",
	};

	return names[fact];
}
