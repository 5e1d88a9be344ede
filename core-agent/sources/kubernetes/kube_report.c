/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_report.h"

#include <string.h>

#include "kube_pod.h"
#include "tags/tag_list.h"

/* A static pod is in cgroups by the one uid and in the API server by the other. */
void kube_report_pod(struct entities *entities, enum entity_source source,
		     const struct kube_pod *pod, const struct kube_allowed *allowed,
		     struct tag_list *scratch, uint64_t now_ns)
{
	struct entity_report report = {.kind = ENTITY_POD, .id = pod->uid, .tags = scratch};

	tag_list_clear(scratch);
	kube_pod_add_tags(pod, allowed, scratch);
	if (strcmp(pod->uid, pod->cgroup_uid) != 0)
		(void)entities_set(entities, source, &report, now_ns);
	report.id = pod->cgroup_uid;
	report.addresses = pod->addresses;
	report.n_addresses = pod->n_addresses;
	(void)entities_set(entities, source, &report, now_ns);
}

void kube_report_pod_gone(struct entities *entities, enum entity_source source,
			  const struct kube_pod *pod, uint64_t now_ns)
{
	entities_remove(entities, source, ENTITY_POD, pod->uid, now_ns);
	entities_remove(entities, source, ENTITY_POD, pod->cgroup_uid, now_ns);
}
