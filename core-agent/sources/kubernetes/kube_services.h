/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which Services each pod is behind, from EndpointSlices: a Service may have many slices, a
 * pod many Services. What changes goes to the entities at once; a pod that left its last
 * Service has it as long as entities keep what is gone, for records that come late. Pure.
 */

#include <stddef.h>
#include <stdint.h>

struct entities;
struct kube_services;
struct kube_slice;

/* Services of one pod; those beyond stay unsaid, and are counted with its tags. */
#define KUBE_SERVICES_MAX_SLICES 32

/* `entities` outlives it. NULL: out of memory. */
struct kube_services *kube_services_new(struct entities *entities);
void kube_services_free(struct kube_services *services); /* takes NULL; leaves the entities */

/* Replaces what this slice said. Of other nodes than `node` nothing is kept; "": of all. */
void kube_services_set(struct kube_services *services, const struct kube_slice *slice,
		       const char *node, uint64_t now_ns);
void kube_services_remove(struct kube_services *services, const char *namespace,
			  const char *name, uint64_t now_ns);

/* A full list: slices that were not set between the two are gone. */
void kube_services_begin_list(struct kube_services *services);
void kube_services_end_list(struct kube_services *services, uint64_t now_ns);
