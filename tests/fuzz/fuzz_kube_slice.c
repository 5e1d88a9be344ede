/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/kubernetes/kube_slice.h"

#include <stdint.h>

#include "sources/kubernetes/kube_services.h"
#include "tags/entities.h"
#include "tags/tag_sets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same slice twice, and gone: nothing may be left of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_slice slice;
	const struct entities_limits limits = {.max_entities = 4};
	json_t *object = json_loadb((const char *)data, size, 0, NULL);
	struct tag_sets *sets = tag_sets_new();
	struct entities *entities = entities_new(sets, &limits);
	struct kube_services *services = kube_services_new(entities);

	if (kube_slice_from_json(object, &slice) == 0) {
		kube_services_set(services, &slice, "", 0);
		kube_services_set(services, &slice, "two", 0);
		kube_services_remove(services, slice.namespace, slice.name, 0);
		if (entities_n_from(entities, ENTITY_FROM_KUBE_SERVICES) != 0)
			__builtin_trap();
		kube_slice_deinit(&slice);
	}
	json_decref(object);
	kube_services_free(services);
	entities_free(entities);
	tag_sets_free(sets);
	return 0;
}
