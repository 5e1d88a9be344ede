/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a frame of gRPC with each of the answers of the CRI. */

#include "options.h"
#include "sources/cri/cri_known.h"
#include "sources/cri/cri_tags.h"
#include "sources/cri/grpc_frame.h"
#include "tags/tag_list.h"

#include <stdlib.h>

static struct option_pair pair = {"*", "l_%%label%%"};
static const struct option_map labels = {&pair, 1};

static void read_containers(const uint8_t *bytes, size_t size)
{
	Cri__ListContainersResponse *response =
		cri__list_containers_response__unpack(NULL, size, bytes);
	struct tag_list list;

	for (size_t i = 0; response && i < response->n_containers; i++) {
		const Cri__Container *container = response->containers[i];

		cri_tags_get_container(container, cri_tags_image(container->image), &labels,
				       &list);
		tag_list_sort(&list);
	}
	if (response)
		cri__list_containers_response__free_unpacked(response, NULL);
}

static void read_pods(const uint8_t *bytes, size_t size)
{
	Cri__ListPodSandboxResponse *response =
		cri__list_pod_sandbox_response__unpack(NULL, size, bytes);
	struct tag_list list;

	for (size_t i = 0; response && i < response->n_items; i++)
		cri_tags_get_pod(response->items[i], &list);
	if (response)
		cri__list_pod_sandbox_response__free_unpacked(response, NULL);
}

static void read_sandbox_status(const uint8_t *bytes, size_t size)
{
	Cri__PodSandboxStatusResponse *response =
		cri__pod_sandbox_status_response__unpack(NULL, size, bytes);
	struct cri_item item = {0};

	if (response && response->status)
		cri_tags_read_addresses(response->status, &item);
	if (item.n_addresses > ENTITY_MAX_ADDRESSES)
		abort();
	if (response)
		cri__pod_sandbox_status_response__free_unpacked(response, NULL);
}

static void read_container_status(const uint8_t *bytes, size_t size)
{
	Cri__ContainerStatusResponse *response =
		cri__container_status_response__unpack(NULL, size, bytes);

	if (response && response->status && !cri_tags_image(response->status->image))
		abort();
	if (response)
		cri__container_status_response__free_unpacked(response, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const uint8_t *message;

	if (grpc_frame_get(bytes, size, &message, &size) < 0)
		return 0;
	read_containers(message, size);
	read_pods(message, size);
	read_sandbox_status(message, size);
	read_container_status(message, size);
	return 0;
}
