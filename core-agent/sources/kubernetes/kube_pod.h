/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pod as the kubelet and the API server tell of it (core/v1 Pod, in JSON): what of it
 * becomes entities and tags. Pure.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tags/entities.h"

struct option_map;
struct tag_list;

/* Strings live as long as `root`; NULL: absent. */
struct kube_pod {
	json_t *root;
	const char *uid;	/* metadata.uid */
	const char *cgroup_uid; /* that of its cgroups: another one for a static pod */
	const char *name, *namespace, *node;
	const char *owner_kind, *owner_name; /* its controller */
	json_t *labels, *annotations;  /* objects */
	struct entity_address addresses[ENTITY_MAX_ADDRESSES];
	size_t n_addresses; /* 0 where they are not, or no longer, its own */
};

struct kube_container {
	const char *id; /* without "containerd://" */
	const char *name, *image;
};

/* Which labels and annotations become tags, and the keys of those: settings; or NULL. */
struct kube_allowed {
	const struct option_map *labels, *annotations;
};

/*
 * One of a kubelet's list. 0, -EBADMSG (no JSON object), -EINVAL (no pod: it has no uid or no
 * name) or -ENOMEM; `ret` must be freed after 0 only.
 */
int kube_pod_from_kubelet(const char *bytes, size_t size, struct kube_pod *ret);

/*
 * The API server's, of which it takes a reference; of the annotations less is believed, as
 * who makes a pod writes them. 0 or -EINVAL.
 */
int kube_pod_from_api(json_t *object, struct kube_pod *ret);
void kube_pod_deinit(struct kube_pod *pod);

/* Tags of the pod, which all its containers have too. */
void kube_pod_add_tags(const struct kube_pod *pod, const struct kube_allowed *allowed,
		       struct tag_list *list);

/* Of one container: its name, its image, and what labels say of it alone. */
void kube_pod_add_container_tags(const struct kube_pod *pod, const struct kube_container *container,
				 struct tag_list *list);

/* Every container that has or had an id: of the pod, of its start, of its debugging. */
typedef void (*kube_pod_on_container)(const struct kube_pod *pod,
				      const struct kube_container *container, void *context);
void kube_pod_for_each_container(const struct kube_pod *pod, kube_pod_on_container on_container,
				 void *context);
