/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_pod.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kube_owner.h"
#include "options.h"
#include "sources/image_name.h"
#include "sources/label_tags.h"
#include "tags/tag_list.h"

/* Before a container's name, if it is for one alone, and the key. */
#define SERVICE_LABELS "tags.datadoghq.com/"

#define HASH_DIGITS 32 /* of MD5 */

static const char *const service_keys[] = {"env", "service", "version"};
#define N_SERVICE_KEYS (sizeof(service_keys) / sizeof(*service_keys))

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && text[0] ? text : NULL;
}

/* NULL: none, so that it is the pod's own. */
typedef const char *(*find_cgroup_uid)(const struct kube_pod *pod);

/* As pkg/kubelet/config/common.go writes MD5. A uid of the API server has dashes. */
static const char *hash_of(const struct kube_pod *pod, const char *annotation)
{
	const char *hash = text_of(pod->annotations, annotation);

	return hash && strlen(hash) == HASH_DIGITS &&
			       strspn(hash, "0123456789abcdef") == HASH_DIGITS
		       ? hash
		       : NULL;
}

/*
 * A pod that the kubelet has from a file or from HTTP has the hash of that for a uid, in its
 * cgroups too. Where it has a pod from the kubelet says itself, whatever the pod had there
 * (pkg/kubelet/config/config.go).
 */
static const char *uid_of_static(const struct kube_pod *pod)
{
	const char *source = text_of(pod->annotations, "kubernetes.io/config.source");

	if (!source || strcmp(source, "api") == 0)
		return NULL;
	return hash_of(pod, "kubernetes.io/config.hash");
}

/*
 * Such a pod as the API server shows it: made by the kubelet, with the node for its owner
 * since Kubernetes 1.17 (pkg/kubelet/pod/mirror_client.go).
 */
static const char *uid_of_mirrored(const struct kube_pod *pod)
{
	if (!pod->owner_kind || strcmp(pod->owner_kind, "Node") != 0)
		return NULL;
	return hash_of(pod, "kubernetes.io/config.mirror");
}

static void find_owner(const json_t *metadata, struct kube_pod *pod)
{
	const json_t *owner;
	size_t i;

	json_array_foreach(json_object_get(metadata, "ownerReferences"), i, owner) {
		if (!json_is_true(json_object_get(owner, "controller")))
			continue;
		pod->owner_kind = text_of(owner, "kind");
		pod->owner_name = text_of(owner, "name");
		return;
	}
}

static bool is_running(const json_t *status)
{
	return json_is_object(json_object_get(json_object_get(status, "state"), "running"));
}

static bool has_running(const json_t *status)
{
	const json_t *container;
	size_t i;

	json_array_foreach(json_object_get(status, "containerStatuses"), i, container)
		if (is_running(container))
			return true;
	return false;
}

/*
 * A host's own address is no pod's. One that is over keeps its address in its status, and
 * the next pod may have it already.
 */
static bool has_own_addresses(const struct kube_pod *pod)
{
	const json_t *status = json_object_get(pod->root, "status");
	const json_t *metadata = json_object_get(pod->root, "metadata");
	const char *phase = text_of(status, "phase");

	if (json_is_true(json_object_get(json_object_get(pod->root, "spec"), "hostNetwork")))
		return false;
	if (phase && (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0))
		return false;
	return !json_object_get(metadata, "deletionTimestamp") || has_running(status);
}

static void add_address(struct kube_pod *pod, const char *text)
{
	struct entity_address *address = &pod->addresses[pod->n_addresses];

	if (!text || pod->n_addresses == ENTITY_MAX_ADDRESSES)
		return;
	if (inet_pton(AF_INET, text, address->address) == 1)
		address->family = CONNECTION_IPV4;
	else if (inet_pton(AF_INET6, text, address->address) == 1)
		address->family = CONNECTION_IPV6;
	else
		return;
	pod->n_addresses++;
}

static void find_addresses(struct kube_pod *pod)
{
	const json_t *status = json_object_get(pod->root, "status");
	const json_t *addresses = json_object_get(status, "podIPs");
	const json_t *address;
	size_t i;

	if (!has_own_addresses(pod))
		return;
	json_array_foreach(addresses, i, address)
		add_address(pod, text_of(address, "ip"));
	if (json_array_size(addresses) == 0) /* before Kubernetes 1.16 */
		add_address(pod, text_of(status, "podIP"));
}

static int from_json(json_t *object, find_cgroup_uid find_uid, struct kube_pod *ret)
{
	const json_t *metadata = json_object_get(object, "metadata");
	struct kube_pod pod = {
		.root = object,
		.uid = text_of(metadata, "uid"),
		.name = text_of(metadata, "name"),
		.namespace = text_of(metadata, "namespace"),
		.node = text_of(json_object_get(object, "spec"), "nodeName"),
		.labels = json_object_get(metadata, "labels"),
		.annotations = json_object_get(metadata, "annotations"),
	};

	if (!pod.uid || !pod.name)
		return -EINVAL;
	find_owner(metadata, &pod);
	pod.cgroup_uid = find_uid(&pod);
	if (!pod.cgroup_uid)
		pod.cgroup_uid = pod.uid;
	find_addresses(&pod);
	json_incref(object);
	*ret = pod;
	return 0;
}

int kube_pod_from_api(json_t *object, struct kube_pod *ret)
{
	return from_json(object, uid_of_mirrored, ret);
}

int kube_pod_from_kubelet(const char *bytes, size_t size, struct kube_pod *ret)
{
	json_error_t error;
	json_t *root = json_loadb(bytes, size, 0, &error);
	int r;

	if (!root)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	r = json_is_object(root) ? from_json(root, uid_of_static, ret) : -EBADMSG;
	json_decref(root);
	return r;
}

void kube_pod_deinit(struct kube_pod *pod)
{
	json_decref(pod->root);
	*pod = (struct kube_pod){0};
}

static void add_allowed(struct tag_list *list, const struct option_map *allowed,
			json_t *values)
{
	const char *label;
	json_t *value;

	if (!allowed)
		return;
	json_object_foreach(values, label, value)
		if (json_is_string(value))
			label_tags_add_allowed(list, allowed, label, json_string_value(value));
}

/* `container` is "", or a container's name and a dot. */
static void add_service_labels(struct tag_list *list, const json_t *labels, const char *container)
{
	for (size_t i = 0; i < N_SERVICE_KEYS; i++) {
		char label[512];

		if (snprintf(label, sizeof(label), SERVICE_LABELS "%s%s", container,
			     service_keys[i]) < (int)sizeof(label))
			tag_list_add(list, service_keys[i], text_of(labels, label));
	}
}

void kube_pod_add_tags(const struct kube_pod *pod, const struct kube_allowed *allowed,
		       struct tag_list *list)
{
	tag_list_add(list, "pod_name", pod->name);
	tag_list_add(list, "kube_namespace", pod->namespace);
	tag_list_add(list, "kube_node", pod->node);
	kube_owner_add_tags(list, pod->owner_kind, pod->owner_name,
			    text_of(pod->labels, "pod-template-hash"));
	add_service_labels(list, pod->labels, "");
	add_allowed(list, allowed->labels, pod->labels);
	add_allowed(list, allowed->annotations, pod->annotations);
}

void kube_pod_add_container_tags(const struct kube_pod *pod, const struct kube_container *container,
				 struct tag_list *list)
{
	char prefix[256];

	tag_list_add(list, "container_name", container->name);
	tag_list_add(list, "kube_container_name", container->name);
	if (container->image)
		(void)image_name_add_tags(list, container->image); /* none: no tags */
	if (snprintf(prefix, sizeof(prefix), "%s.", container->name) < (int)sizeof(prefix))
		add_service_labels(list, pod->labels, prefix);
}

/* The runtime may know the image by its digest alone. */
static const char *image_in_spec(const struct kube_pod *pod, const char *list, const char *name)
{
	const json_t *container;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(pod->root, "spec"), list), i, container) {
		const char *own = text_of(container, "name");

		if (own && strcmp(own, name) == 0)
			return text_of(container, "image");
	}
	return NULL;
}

static const char *without_runtime(const char *id)
{
	const char *colon = id ? strstr(id, "://") : NULL;

	return colon ? colon + 3 : id;
}

void kube_pod_for_each_container(const struct kube_pod *pod, kube_pod_on_container on_container,
				 void *context)
{
	static const struct {
		const char *statuses, *specs;
	} kinds[] = {
		{"containerStatuses", "containers"},
		{"initContainerStatuses", "initContainers"},
		{"ephemeralContainerStatuses", "ephemeralContainers"},
	};
	const json_t *status = json_object_get(pod->root, "status"), *entry;
	size_t i;

	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++)
		json_array_foreach(json_object_get(status, kinds[kind].statuses), i, entry) {
			struct kube_container container = {
				.id = without_runtime(text_of(entry, "containerID")),
				.name = text_of(entry, "name"),
			};

			if (!container.id || !container.id[0] || !container.name)
				continue;
			container.image = image_in_spec(pod, kinds[kind].specs, container.name);
			if (!container.image)
				container.image = text_of(entry, "image");
			on_container(pod, &container, context);
		}
}
