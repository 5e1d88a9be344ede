/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_services.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(item) ((item)->is_out_of_memory = true)
#include <uthash.h>

#include "kube_slice.h"
#include "tags/entities.h"
#include "tags/tag_list.h"

#define NAME_SIZE 256 /* names in Kubernetes have at most 253 characters */
#define KEY_SIZE (2 * NAME_SIZE)

struct pod;

struct slice {
	UT_hash_handle hh;
	bool is_out_of_memory;
	char key[KEY_SIZE]; /* "namespace/name" */
	char service[NAME_SIZE];
	uint32_t list;
	size_t n;
	struct pod *pods[];
};

struct pod {
	UT_hash_handle hh;
	bool is_out_of_memory;
	char uid[ENTITY_ID_SIZE];
	char name[NAME_SIZE], namespace[NAME_SIZE];
	size_t n, n_left_out;
	const struct slice *slices[KUBE_SERVICES_MAX_SLICES];
};

struct kube_services {
	struct entities *entities;
	struct slice *slices;
	struct pod *pods;
	uint32_t list;
	struct tag_list tags;
};

struct kube_services *kube_services_new(struct entities *entities)
{
	struct kube_services *services = calloc(1, sizeof(*services));

	if (services)
		services->entities = entities;
	return services;
}

void kube_services_free(struct kube_services *services)
{
	struct slice *slice, *next_slice;
	struct pod *pod, *next_pod;

	if (!services)
		return;
	HASH_ITER(hh, services->slices, slice, next_slice) {
		HASH_DEL(services->slices, slice);
		free(slice);
	}
	HASH_ITER(hh, services->pods, pod, next_pod) {
		HASH_DEL(services->pods, pod);
		free(pod);
	}
	free(services);
}

static bool copy(char *to, size_t to_size, const char *from)
{
	return snprintf(to, to_size, "%s", from) < (int)to_size;
}

static struct slice *find_slice(const struct kube_services *services, const char *key)
{
	struct slice *slice;

	HASH_FIND_STR(services->slices, key, slice);
	return slice;
}

/* False: no room, which is counted there. */
static bool publish(struct kube_services *services, const struct pod *pod, uint64_t now_ns)
{
	const struct entity_report report = {
		.kind = ENTITY_POD,
		.id = pod->uid,
		.tags = &services->tags,
	};

	tag_list_clear(&services->tags);
	tag_list_add(&services->tags, "pod_name", pod->name);
	tag_list_add(&services->tags, "kube_namespace", pod->namespace);
	for (size_t i = 0; i < pod->n; i++)
		tag_list_add(&services->tags, "kube_service", pod->slices[i]->service);
	services->tags.n_left_out += pod->n_left_out;
	return entities_set(services->entities, ENTITY_FROM_KUBE_SERVICES, &report, now_ns) == 0;
}

/* NULL: it does not fit; names that are too long are none of Kubernetes. */
static struct pod *add_pod(struct kube_services *services, const struct kube_slice *slice,
			   const struct kube_endpoint *endpoint)
{
	struct pod *pod = calloc(1, sizeof(*pod));

	if (!pod)
		return NULL;
	if (copy(pod->uid, sizeof(pod->uid), endpoint->pod_uid) &&
	    copy(pod->name, sizeof(pod->name), endpoint->pod_name) &&
	    copy(pod->namespace, sizeof(pod->namespace), slice->namespace))
		HASH_ADD_STR(services->pods, uid, pod);
	else
		pod->is_out_of_memory = true;
	if (!pod->is_out_of_memory)
		return pod;
	free(pod);
	return NULL;
}

/* The same pod is in a slice twice when it has two addresses. */
static bool has_slice(const struct pod *pod, const struct slice *slice)
{
	for (size_t i = 0; i < pod->n; i++)
		if (pod->slices[i] == slice)
			return true;
	return false;
}

/* True: they were not linked before; each is the other's last one now. */
static bool link_pod(struct slice *slice, struct pod *pod)
{
	if (has_slice(pod, slice))
		return false;
	if (pod->n == KUBE_SERVICES_MAX_SLICES) {
		pod->n_left_out++;
		return false;
	}
	pod->slices[pod->n++] = slice;
	slice->pods[slice->n++] = pod;
	return true;
}

static void unlink_pod(const struct slice *slice, struct pod *pod)
{
	size_t i = 0;

	while (i < pod->n && pod->slices[i] != slice)
		i++;
	if (i < pod->n)
		pod->slices[i] = pod->slices[--pod->n];
	pod->n_left_out = 0; /* those left out come back with their own slice's next word */
}

static void remove_pod(struct kube_services *services, struct pod *pod, uint64_t now_ns)
{
	entities_remove(services->entities, ENTITY_FROM_KUBE_SERVICES, ENTITY_POD, pod->uid,
			now_ns);
	HASH_DEL(services->pods, pod);
	free(pod);
}

/* It is in the table no longer. */
static void free_slice(struct kube_services *services, struct slice *slice, uint64_t now_ns)
{
	for (size_t i = 0; i < slice->n; i++) {
		unlink_pod(slice, slice->pods[i]);
		if (slice->pods[i]->n == 0)
			remove_pod(services, slice->pods[i], now_ns);
		else
			/* Has its place, or lost it in a silence and is counted there. */
			(void)publish(services, slice->pods[i], now_ns);
	}
	free(slice);
}

static void remove_slice(struct kube_services *services, struct slice *slice, uint64_t now_ns)
{
	HASH_DEL(services->slices, slice);
	free_slice(services, slice, now_ns);
}

static void take_endpoint(struct kube_services *services, struct slice *slice,
			  const struct kube_slice *from, const struct kube_endpoint *endpoint,
			  uint64_t now_ns)
{
	bool is_linked;
	struct pod *pod;

	HASH_FIND_STR(services->pods, endpoint->pod_uid, pod);
	if (!pod)
		pod = add_pod(services, from, endpoint);
	if (!pod)
		return;
	is_linked = link_pod(slice, pod);
	if (publish(services, pod, now_ns))
		return;
	if (is_linked) {
		unlink_pod(slice, pod);
		slice->n--;
	}
	/* One that aged out of the entities has no place either, and may have other slices. */
	if (pod->n == 0)
		remove_pod(services, pod, now_ns);
}

static struct slice *new_slice(struct kube_services *services, const char *key,
			       const struct kube_slice *from)
{
	struct slice *slice = calloc(1, sizeof(*slice) + from->n * sizeof(*slice->pods));

	if (!slice)
		return NULL;
	if (copy(slice->key, sizeof(slice->key), key) &&
	    copy(slice->service, sizeof(slice->service), from->service))
		HASH_ADD_STR(services->slices, key, slice);
	else
		slice->is_out_of_memory = true;
	if (!slice->is_out_of_memory)
		return slice;
	free(slice);
	return NULL;
}

static bool is_wanted(const struct kube_endpoint *endpoint, const char *node)
{
	return !node[0] || !endpoint->node || strcmp(endpoint->node, node) == 0;
}

static void format_key(const char *namespace, const char *name, char ret[KEY_SIZE])
{
	(void)snprintf(ret, KEY_SIZE, "%s/%s", namespace, name); /* longer ones are refused */
}

void kube_services_remove(struct kube_services *services, const char *namespace,
			  const char *name, uint64_t now_ns)
{
	struct slice *slice;
	char key[KEY_SIZE];

	format_key(namespace, name, key);
	slice = find_slice(services, key);
	if (slice)
		remove_slice(services, slice, now_ns);
}

/* The new one is there before the old one goes: who is in both never leaves. */
void kube_services_set(struct kube_services *services, const struct kube_slice *from,
		       const char *node, uint64_t now_ns)
{
	struct slice *before, *slice = NULL;
	char key[KEY_SIZE];

	format_key(from->namespace, from->name, key);
	before = find_slice(services, key);
	if (before)
		HASH_DEL(services->slices, before);
	if (from->service && from->n)
		slice = new_slice(services, key, from);
	for (size_t i = 0; slice && i < from->n; i++)
		if (is_wanted(&from->endpoints[i], node))
			take_endpoint(services, slice, from, &from->endpoints[i], now_ns);
	if (slice)
		slice->list = services->list;
	if (before)
		free_slice(services, before, now_ns);
	if (slice && slice->n == 0)
		remove_slice(services, slice, now_ns);
}

void kube_services_begin_list(struct kube_services *services)
{
	services->list++;
}

void kube_services_end_list(struct kube_services *services, uint64_t now_ns)
{
	struct slice *slice, *next;

	HASH_ITER(hh, services->slices, slice, next)
		if (slice->list != services->list)
			remove_slice(services, slice, now_ns);
}
