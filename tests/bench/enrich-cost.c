/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrich-cost: what naming a connection costs on a host of 500 pods with one container
 * each and 5,000 processes, of which nothing changes. Prints two numbers: nanoseconds a
 * connection, the least of several rounds, and bytes of memory that the names take.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enrich/enrich.h"
#include "enrich/tagger.h"
#include "sources/host_facts.h"
#include "tags/entities.h"
#include "tags/tag_list.h"
#include "tags/tag_sets.h"

#define N_CONTAINERS 500
#define N_PROCESSES 5000
#define N_CONNECTIONS 10000
#define N_ROUNDS 50
#define SECOND UINT64_C(1000000000)

static const struct {
	const char *key, *value;
} common[] = {
	{"kube_namespace", "shop"},	{"kube_deployment", "storefront"},
	{"kube_node", "node-17.example"}, {"image_name", "registry.example/shop/storefront"},
	{"short_image", "storefront"},	{"image_tag", "2026-11-21-release"},
	{"env", "production"},		{"service", "storefront"},
	{"version", "1.2.3"},		{"team", "payments"},
};

static void *checked(void *pointer)
{
	if (!pointer)
		exit(1);
	return pointer;
}

static void container_id(unsigned int i, char ret[65])
{
	(void)snprintf(ret, 65, "%064x", i + 1); /* fits */
}

static void name_container(struct entities *entities, unsigned int i)
{
	static struct tag_list list;
	struct entity_address address = {.family = CONNECTION_IPV4,
					 .address = {10, 244, (uint8_t)(i >> 8), (uint8_t)i}};
	char id[65], name[32], pod[40];
	struct entity_report report = {.kind = ENTITY_POD, .id = pod, .tags = &list};

	container_id(i, id);
	(void)snprintf(pod, sizeof(pod), "%08x-0000-4000-8000-000000000000", i);
	tag_list_clear(&list);
	for (size_t k = 0; k < sizeof(common) / sizeof(*common); k++)
		tag_list_add(&list, common[k].key, common[k].value);
	(void)snprintf(name, sizeof(name), "storefront-%u", i);
	tag_list_add(&list, "pod_name", name);
	report.addresses = &address;
	report.n_addresses = 1;
	(void)entities_set(entities, ENTITY_FROM_KUBELET, &report, SECOND);
	tag_list_clear(&list);
	tag_list_add(&list, "container_name", name);
	report = (struct entity_report){
		.kind = ENTITY_CONTAINER, .id = id, .tags = &list, .pod_uid = pod};
	(void)entities_set(entities, ENTITY_FROM_CRI, &report, SECOND);
}

/* Ended: then /proc, which is not this host's, is not asked. */
static void name_process(struct enricher *enricher, unsigned int i)
{
	Sysprobe__V1__Process process = SYSPROBE__V1__PROCESS__INIT;
	char id[65], cgroup[96], comm[] = "storefront", executable[] = "/usr/bin/storefront";
	char arguments[64];

	container_id(i % N_CONTAINERS, id);
	(void)snprintf(cgroup, sizeof(cgroup), "cri-containerd-%s.scope", id);
	process.tgid = i + 1;
	process.start_ns = SECOND + i;
	process.comm = comm;
	process.executable.data = (uint8_t *)executable;
	process.executable.len = strlen(executable);
	process.command_line.data = (uint8_t *)arguments;
	process.command_line.len =
		(size_t)snprintf(arguments, sizeof(arguments), "storefront --worker=%u", i);
	process.cgroup_name.data = (uint8_t *)cgroup;
	process.cgroup_name.len = strlen(cgroup);
	process.event = SYSPROBE__V1__PROCESS__EVENT__EVENT_EXEC;
	(void)enricher_add_process(enricher, &process, 0);
	process.event = SYSPROBE__V1__PROCESS__EVENT__EVENT_EXIT;
	process.time_ns = 2 * SECOND;
	(void)enricher_add_process(enricher, &process, 0);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* The number of connections that got all that they should. */
static unsigned int name_all(struct enricher *enricher, struct tagger *tagger)
{
	unsigned int n_named = 0;

	for (unsigned int i = 0; i < N_CONNECTIONS; i++) {
		unsigned int remote = (i * 7) % N_CONTAINERS;
		struct connection connection = {
			.state = CONNECTION_OPEN,
			.family = CONNECTION_IPV4,
			.remote_address = {10, 244, (uint8_t)(remote >> 8), (uint8_t)remote},
			.pid = i % N_PROCESSES + 1,
			.process_start_ns = SECOND + i % N_PROCESSES,
		};

		enricher_fill(enricher, &connection);
		tagger_fill(tagger, &connection);
		n_named += connection.owner.executable && connection.tags && connection.remote_tags;
	}
	return n_named;
}

static uint64_t least_ns(struct enricher *enricher, struct tagger *tagger)
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < N_ROUNDS; round++) {
		uint64_t began_ns = monotonic_ns(), took_ns;

		if (name_all(enricher, tagger) != N_CONNECTIONS)
			exit(1);
		took_ns = (monotonic_ns() - began_ns) / N_CONNECTIONS;
		if (took_ns < least)
			least = took_ns;
	}
	return least;
}

int main(void)
{
	const struct entities_limits limits = {8192, SECOND, SECOND};
	struct enricher *enricher = checked(enricher_new("/nonexistent/proc", 65536, true));
	struct tag_sets *sets = checked(tag_sets_new());
	struct entities *entities = checked(entities_new(sets, &limits));
	struct host_facts *host = checked(host_facts_new());
	/* All are known, so that no source is asked. */
	struct tagger *tagger = checked(tagger_new(entities, NULL, host));
	size_t before = mallinfo2().uordblks;

	for (unsigned int i = 0; i < N_CONTAINERS; i++)
		name_container(entities, i);
	for (unsigned int i = 0; i < N_PROCESSES; i++)
		name_process(enricher, i);
	printf("%" PRIu64, least_ns(enricher, tagger));
	printf(" %zu\n", mallinfo2().uordblks - before);
	tagger_free(tagger);
	host_facts_free(host);
	entities_free(entities);
	tag_sets_free(sets);
	enricher_free(enricher);
	return 0;
}
