/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which entity has which address: the last one that a source gave it to. Pure. */

#include <stddef.h>
#include <sys/queue.h>

#include "entities.h"

struct address;
LIST_HEAD(address_list, address);

struct address_index {
	struct address *table;
};

/*
 * All that `source` says are the entity's addresses, in place of what it said before; `list`
 * is the entity's own. The number that is left out: beyond ENTITY_MAX_ADDRESSES of all
 * sources together, or without memory.
 */
size_t address_index_set(struct address_index *index, struct entity *entity,
			 struct address_list *list, enum entity_source source,
			 const struct entity_address *addresses, size_t n);

void address_index_remove(struct address_index *index, struct address_list *list,
			  enum entity_source source);

/* NULL: nobody has it. */
const struct entity *address_index_find(const struct address_index *index,
					enum connection_family family, const uint8_t address[16]);
