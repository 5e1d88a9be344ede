/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An EndpointSlice (discovery.k8s.io/v1 and v1beta1, in JSON): which pods are behind a
 * Service. Its addresses are not used: a slice does not tell a pod's own address from that
 * of a host that the pod shares. Pure.
 */

#include <jansson.h>
#include <stddef.h>

/* Strings live as long as `root`. */
struct kube_endpoint {
	const char *pod_uid, *pod_name;
	const char *node; /* NULL: not said */
};

struct kube_slice {
	json_t *root;
	const char *namespace, *name;
	const char *service; /* NULL: nobody's */
	size_t n;
	struct kube_endpoint *endpoints; /* heap: those that are pods, as many as the text has */
};

/* Takes a reference of `object`. 0, -EINVAL (it has no name or namespace) or -ENOMEM. */
int kube_slice_from_json(json_t *object, struct kube_slice *ret);
void kube_slice_deinit(struct kube_slice *slice);
