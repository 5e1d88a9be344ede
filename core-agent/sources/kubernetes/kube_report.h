/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A pod into the entities, alike from whom it was heard. */

#include <stdint.h>

#include "tags/entities.h"

struct kube_allowed;
struct kube_pod;
struct tag_list;

/* `scratch` is used. What finds no room is counted by the entities. */
void kube_report_pod(struct entities *entities, enum entity_source source,
		     const struct kube_pod *pod, const struct kube_allowed *allowed,
		     struct tag_list *scratch, uint64_t now_ns);

void kube_report_pod_gone(struct entities *entities, enum entity_source source,
			  const struct kube_pod *pod, uint64_t now_ns);
