/* SPDX-License-Identifier: Apache-2.0 */
#include "docker_known.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(item) ((item)->is_out_of_memory = true)
#include <uthash.h>

struct item {
	char id[DOCKER_MAX_ID + 1];
	UT_hash_handle hh;
	bool is_out_of_memory; /* could not be linked in */
	bool is_due;
	bool has_networks;
	uint32_t list; /* number of the one that had it last */
	size_t n_addresses;
	struct entity_address addresses[ENTITY_MAX_ADDRESSES];
};

struct docker_known {
	struct item *table;
	size_t max;
	size_t n_due;
	uint32_t list;
};

struct docker_known *docker_known_new(size_t max)
{
	struct docker_known *known = calloc(1, sizeof(*known));

	if (known)
		known->max = max;
	return known;
}

static void remove_item(struct docker_known *known, struct item *item)
{
	known->n_due -= item->is_due;
	HASH_DEL(known->table, item);
	free(item);
}

void docker_known_free(struct docker_known *known)
{
	struct item *item, *next;

	if (!known)
		return;
	HASH_ITER(hh, known->table, item, next)
		remove_item(known, item);
	free(known);
}

static struct item *find(const struct docker_known *known, const char *id)
{
	struct item *item;

	HASH_FIND_STR(known->table, id, item);
	return item;
}

bool docker_known_has(const struct docker_known *known, const char *id)
{
	return find(known, id);
}

static struct item *add_item(struct docker_known *known, const char *id)
{
	size_t size = strlen(id) + 1;
	struct item *item;

	if (size > sizeof(item->id) || HASH_COUNT(known->table) >= known->max)
		return NULL;
	item = calloc(1, sizeof(*item));
	if (!item)
		return NULL;
	memcpy(item->id, id, size);
	HASH_ADD_STR(known->table, id, item);
	if (!item->is_out_of_memory)
		return item;
	free(item);
	return NULL;
}

bool docker_known_add(struct docker_known *known, const char *id)
{
	struct item *item = find(known, id);

	if (!item)
		item = add_item(known, id);
	if (item)
		item->list = known->list;
	return item;
}

void docker_known_remove(struct docker_known *known, const char *id)
{
	struct item *item = find(known, id);

	if (item)
		remove_item(known, item);
}

void docker_known_set_due(struct docker_known *known, const char *id)
{
	struct item *item = find(known, id);

	if (!item || item->is_due)
		return;
	item->is_due = true;
	known->n_due++;
}

const char *docker_known_take_due(struct docker_known *known)
{
	struct item *item = known->n_due ? known->table : NULL;

	while (item && !item->is_due)
		item = item->hh.next;
	if (!item)
		return NULL;
	item->is_due = false;
	known->n_due--;
	return item->id;
}

bool docker_known_fill_networks(struct docker_known *known, struct docker_container *container)
{
	struct item *item = find(known, container->id);

	if (!item)
		return container->has_networks;
	if (!container->has_networks) {
		container->n_addresses = item->n_addresses;
		memcpy(container->addresses, item->addresses, sizeof(item->addresses));
		return item->has_networks;
	}
	item->has_networks = true;
	item->n_addresses = container->n_addresses;
	memcpy(item->addresses, container->addresses, sizeof(item->addresses));
	return true;
}

void docker_known_begin_list(struct docker_known *known)
{
	known->list++;
}

void docker_known_end_list(struct docker_known *known, docker_known_on_gone on_gone, void *context)
{
	struct item *item, *next;

	HASH_ITER(hh, known->table, item, next) {
		if (item->list == known->list)
			continue;
		on_gone(item->id, context);
		remove_item(known, item);
	}
}
