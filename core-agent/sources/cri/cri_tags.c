/* SPDX-License-Identifier: Apache-2.0 */
#include "cri_tags.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "cri_known.h"
#include "sources/image_name.h"
#include "sources/label_tags.h"
#include "tags/tag_list.h"

static bool has_name(const char *image)
{
	struct tag_list list;

	tag_list_clear(&list);
	return image_name_add_tags(&list, image) == 0;
}

/* A kubelet asks for an image by its id; newer ones say beside it what the pod said. */
const char *cri_tags_image(const Cri__ImageSpec *image)
{
	if (image && has_name(image->user_specified_image))
		return image->user_specified_image;
	return image && has_name(image->image) ? image->image : "";
}

static bool has_host_network(const Cri__PodSandboxStatus *status)
{
	const Cri__Namespace *namespaces = status->linux_status ? status->linux_status->namespaces : NULL;

	return namespaces && namespaces->options &&
	       namespaces->options->network == CRI__NAMESPACE_MODE__NODE;
}

static void add_address(struct cri_item *item, const char *text)
{
	struct entity_address address;
	bool is_ipv6 = strchr(text, ':');

	memset(&address, 0, sizeof(address));
	address.family = is_ipv6 ? CONNECTION_IPV6 : CONNECTION_IPV4;
	if (item->n_addresses < ENTITY_MAX_ADDRESSES &&
	    inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, address.address) == 1)
		item->addresses[item->n_addresses++] = address;
}

void cri_tags_read_addresses(const Cri__PodSandboxStatus *status, struct cri_item *item)
{
	const Cri__PodSandboxNetworkStatus *network = status->network;

	item->n_addresses = 0;
	if (!network || has_host_network(status))
		return;
	add_address(item, network->ip);
	for (size_t i = 0; i < network->n_additional_ips; i++)
		add_address(item, network->additional_ips[i]->ip);
}

void cri_tags_get_pod(const Cri__PodSandbox *sandbox, struct tag_list *list)
{
	tag_list_clear(list);
	if (!sandbox->metadata)
		return;
	tag_list_add(list, "pod_name", sandbox->metadata->name);
	tag_list_add(list, "kube_namespace", sandbox->metadata->namespace_);
}

void cri_tags_get_container(const Cri__Container *container, const char *image,
			    const struct option_map *rules, struct tag_list *list)
{
	tag_list_clear(list);
	if (container->metadata)
		tag_list_add(list, "container_name", container->metadata->name);
	(void)image_name_add_tags(list, image); /* none: no tags */
	for (size_t i = 0; i < container->n_labels; i++)
		label_tags_add(list, &rules, 1, container->labels[i]->key,
			       container->labels[i]->value);
}
