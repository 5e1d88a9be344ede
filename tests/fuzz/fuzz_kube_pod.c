/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/kubernetes/kube_pod.h"

#include <stdint.h>

#include "tags/tag_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tag_list list;

static void on_container(const struct kube_pod *pod, const struct kube_container *container,
			 void *context)
{
	(void)context;
	kube_pod_add_container_tags(pod, container, &list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct kube_allowed nothing = {0};
	struct kube_pod pod;

	tag_list_clear(&list);
	if (kube_pod_from_kubelet((const char *)data, size, &pod) < 0)
		return 0;
	kube_pod_add_tags(&pod, &nothing, &list);
	kube_pod_for_each_container(&pod, on_container, NULL);
	kube_pod_deinit(&pod);
	tag_list_sort(&list);
	return 0;
}
