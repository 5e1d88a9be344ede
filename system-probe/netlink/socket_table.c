/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/socket_table.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(slot) ((slot)->is_out_of_memory = true)
#include <uthash.h>

#define FIRST_SLOTS 256

struct slot {
	struct socket_entry entry; /* entry.key is the key */
	size_t position;	   /* in `slots` */
	bool is_out_of_memory;	   /* could not be linked in */
	UT_hash_handle hh;
};

struct socket_table {
	struct slot *by_key;
	struct slot **slots; /* positions stay; NULL: free */
	size_t *free_positions;
	size_t n_free;
	size_t n_slots;
	size_t n_entries;
	size_t max_entries;
};

struct socket_table *socket_table_new(size_t max_entries)
{
	struct socket_table *table = calloc(1, sizeof(*table));

	if (table)
		table->max_entries = max_entries;
	return table;
}

void socket_table_free(struct socket_table *table)
{
	struct slot *slot, *next;

	if (!table)
		return;
	HASH_ITER(hh, table->by_key, slot, next) {
		HASH_DEL(table->by_key, slot);
		free(slot);
	}
	free(table->slots);
	free(table->free_positions);
	free(table);
}

struct socket_entry *socket_table_find(const struct socket_table *table, struct socket_key key)
{
	struct slot *slot;

	HASH_FIND(hh, table->by_key, &key, sizeof(key), slot);
	return slot ? &slot->entry : NULL;
}

/* Both arrays always have the same size; the second never needs more than the first. */
static bool grow(struct socket_table *table)
{
	size_t n = table->n_slots ? 2 * table->n_slots : FIRST_SLOTS;
	struct slot **slots = reallocarray(table->slots, n, sizeof(*slots));
	size_t *positions;

	if (!slots)
		return false;
	table->slots = slots;
	positions = reallocarray(table->free_positions, n, sizeof(*positions));
	if (!positions)
		return false;
	table->free_positions = positions;
	for (size_t i = n; i > table->n_slots; i--) { /* the lowest is taken first */
		slots[i - 1] = NULL;
		positions[table->n_free++] = i - 1;
	}
	table->n_slots = n;
	return true;
}

struct socket_entry *socket_table_add(struct socket_table *table, struct socket_key key)
{
	struct slot *slot;

	if (table->n_entries >= table->max_entries || (table->n_free == 0 && !grow(table)))
		return NULL;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->entry.key = key;
	HASH_ADD(hh, table->by_key, entry.key, sizeof(key), slot);
	if (slot->is_out_of_memory) {
		free(slot);
		return NULL;
	}
	slot->position = table->free_positions[--table->n_free];
	table->slots[slot->position] = slot;
	table->n_entries++;
	return &slot->entry;
}

void socket_table_remove(struct socket_table *table, struct socket_entry *entry)
{
	struct slot *slot = (struct slot *)((char *)entry - offsetof(struct slot, entry));

	HASH_DEL(table->by_key, slot);
	table->slots[slot->position] = NULL;
	table->free_positions[table->n_free++] = slot->position;
	table->n_entries--;
	free(slot);
}

struct socket_entry *socket_table_next(const struct socket_table *table, size_t *cursor)
{
	while (*cursor < table->n_slots) {
		struct slot *slot = table->slots[(*cursor)++];

		if (slot)
			return &slot->entry;
	}
	return NULL;
}
