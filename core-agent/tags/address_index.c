/* SPDX-License-Identifier: Apache-2.0 */
#include "address_index.h"

#include <stdlib.h>
#include <string.h>

#define uthash_nonfatal_oom(item) ((item)->is_out_of_memory = true)
#include "fast_hash.h"

struct address {
	struct entity_address key;
	UT_hash_handle hh;
	bool is_out_of_memory; /* could not be linked in */
	struct entity *entity;
	enum entity_source source;
	LIST_ENTRY(address) link; /* in the entity's list */
};

/* Padding and what an IPv4 address leaves unused must not make a difference. */
static struct entity_address clean(enum connection_family family, const uint8_t address[16])
{
	struct entity_address key;

	memset(&key, 0, sizeof(key));
	key.family = family;
	memcpy(key.address, address, family == CONNECTION_IPV4 ? 4 : 16);
	return key;
}

static void remove_address(struct address_index *index, struct address *address)
{
	LIST_REMOVE(address, link);
	HASH_DEL(index->table, address);
	free(address);
}

void address_index_remove(struct address_index *index, struct address_list *list,
			  enum entity_source source)
{
	struct address *next;

	for (struct address *address = LIST_FIRST(list); address; address = next) {
		next = LIST_NEXT(address, link);
		if (address->source == source)
			remove_address(index, address);
	}
}

static bool has_room(const struct address_list *list)
{
	const struct address *address;
	size_t n = 0;

	LIST_FOREACH(address, list, link)
		n++;
	return n < ENTITY_MAX_ADDRESSES;
}

/* False: no memory. */
static bool add_new(struct address_index *index, struct address_list *list,
		    const struct address *as)
{
	struct address *address = calloc(1, sizeof(*address));

	if (!address)
		return false;
	memcpy(address, as, sizeof(*address)); /* with the key's padding */
	HASH_ADD(hh, index->table, key, sizeof(address->key), address);
	if (address->is_out_of_memory) {
		free(address);
		return false;
	}
	LIST_INSERT_HEAD(list, address, link);
	return true;
}

/* False: no room or no memory. Who had the address before has it no longer. */
static bool add(struct address_index *index, struct entity *entity, struct address_list *list,
		enum entity_source source, const struct entity_address *key)
{
	struct address as = {.entity = entity, .source = source};
	struct address *known;

	HASH_FIND(hh, index->table, key, sizeof(*key), known);
	if (known && known->entity == entity)
		return true;
	if (known)
		remove_address(index, known);
	memcpy(&as.key, key, sizeof(*key));
	return has_room(list) && add_new(index, list, &as);
}

size_t address_index_set(struct address_index *index, struct entity *entity,
			 struct address_list *list, enum entity_source source,
			 const struct entity_address *addresses, size_t n)
{
	size_t n_left_out = 0;

	address_index_remove(index, list, source);
	for (size_t i = 0; i < n; i++) {
		struct entity_address key = clean(addresses[i].family, addresses[i].address);

		n_left_out += !add(index, entity, list, source, &key);
	}
	return n_left_out;
}

const struct entity *address_index_find(const struct address_index *index,
					enum connection_family family, const uint8_t bytes[16])
{
	struct entity_address key = clean(family, bytes);
	const struct address *address;

	HASH_FIND(hh, index->table, &key, sizeof(key), address);
	return address ? address->entity : NULL;
}
