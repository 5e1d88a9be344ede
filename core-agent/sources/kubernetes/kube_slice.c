/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_slice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && text[0] ? text : NULL;
}

/* v1beta1 has the node among the topology. */
static const char *node_of(const json_t *endpoint)
{
	const char *node = text_of(endpoint, "nodeName");

	return node ? node
		    : text_of(json_object_get(endpoint, "topology"), "kubernetes.io/hostname");
}

static void add_endpoint(struct kube_slice *slice, const json_t *endpoint)
{
	const json_t *target = json_object_get(endpoint, "targetRef");
	const char *kind = text_of(target, "kind");
	struct kube_endpoint added = {
		.pod_uid = text_of(target, "uid"),
		.pod_name = text_of(target, "name"),
		.node = node_of(endpoint),
	};

	if (!kind || strcmp(kind, "Pod") != 0 || !added.pod_uid || !added.pod_name)
		return;
	slice->endpoints[slice->n++] = added;
}

int kube_slice_from_json(json_t *object, struct kube_slice *ret)
{
	const json_t *metadata = json_object_get(object, "metadata"), *endpoint;
	const json_t *endpoints = json_object_get(object, "endpoints");
	struct kube_slice slice = {
		.namespace = text_of(metadata, "namespace"),
		.name = text_of(metadata, "name"),
		.service = text_of(json_object_get(metadata, "labels"),
				   "kubernetes.io/service-name"),
	};
	size_t i;

	if (!slice.namespace || !slice.name)
		return -EINVAL;
	slice.endpoints = calloc(json_array_size(endpoints) + 1, sizeof(*slice.endpoints));
	if (!slice.endpoints)
		return -ENOMEM;
	json_array_foreach(endpoints, i, endpoint)
		add_endpoint(&slice, endpoint);
	slice.root = json_incref(object);
	*ret = slice;
	return 0;
}

void kube_slice_deinit(struct kube_slice *slice)
{
	free(slice->endpoints);
	json_decref(slice->root);
	*slice = (struct kube_slice){0};
}
