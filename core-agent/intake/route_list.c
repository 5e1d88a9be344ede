/* SPDX-License-Identifier: Apache-2.0 */
#include "route_list.h"

void route_list_init(struct route_list *list, const struct subnets *subnets)
{
	list->subnets = subnets;
	list->n = 0;
	for (size_t i = 0; i < SUBNETS_MAX; i++)
		list->index_of[i] = ROUTE_LIST_NONE;
}

static int32_t add(struct route_list *list, const struct subnet *subnet)
{
	size_t at = list->n++;
	Datadog__ProcessAgent__Route *route = &list->routes[at];

	datadog__process_agent__route__init(route);
	datadog__process_agent__subnet__init(&list->route_subnets[at]);
	list->route_subnets[at].alias = (char *)(uintptr_t)subnet->id;
	route->subnet = &list->route_subnets[at];
	if (*subnet->mac) {
		datadog__process_agent__interface__init(&list->interfaces[at]);
		list->interfaces[at].hardwareaddr = (char *)(uintptr_t)subnet->mac;
		route->interface = &list->interfaces[at];
	}
	list->pointers[at] = route;
	return (int32_t)at;
}

int32_t route_list_add(struct route_list *list, const struct record *record)
{
	const struct subnet *subnet =
		list->subnets ? subnets_find_route(list->subnets,
						   (enum connection_family)record->family,
						   record->local_address, record->remote_address)
			      : NULL;
	int32_t *index;

	if (!subnet)
		return ROUTE_LIST_NONE;
	index = &list->index_of[subnet - list->subnets->subnets];
	if (*index == ROUTE_LIST_NONE)
		*index = add(list, subnet);
	return *index;
}
