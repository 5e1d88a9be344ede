/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The routes that one message tells: each subnet that its connections leave by, once. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "intake.pb-c.h"
#include "record.h"
#include "subnets.h"

#define ROUTE_LIST_NONE (-1)

struct route_list {
	const struct subnets *subnets; /* NULL: none known */
	int32_t index_of[SUBNETS_MAX]; /* by subnet, or ROUTE_LIST_NONE */
	size_t n;
	Datadog__ProcessAgent__Route *pointers[SUBNETS_MAX];
	Datadog__ProcessAgent__Route routes[SUBNETS_MAX];
	Datadog__ProcessAgent__Subnet route_subnets[SUBNETS_MAX];
	Datadog__ProcessAgent__Interface interfaces[SUBNETS_MAX];
};

/* `subnets` must outlive it. */
void route_list_init(struct route_list *list, const struct subnets *subnets);

/* The index of the record's route, which is in the list now; ROUTE_LIST_NONE: none is known. */
int32_t route_list_add(struct route_list *list, const struct record *record);
