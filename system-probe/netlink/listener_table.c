/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/listener_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(slot) ((slot)->is_out_of_memory = true)
#include <uthash.h>

struct slot {
	uint64_t key;
	struct sp_owner owner;
	bool is_out_of_memory;
	UT_hash_handle hh;
};

struct listener_table {
	struct slot *slots;
	size_t max_ports;
};

static uint64_t key_of(uint32_t netns, uint16_t port)
{
	return (uint64_t)netns << 16 | port;
}

static struct slot *find(const struct listener_table *table, uint64_t key)
{
	struct slot *slot;

	HASH_FIND(hh, table->slots, &key, sizeof(key), slot);
	return slot;
}

struct listener_table *listener_table_new(size_t max_ports)
{
	struct listener_table *table = calloc(1, sizeof(*table));

	if (table)
		table->max_ports = max_ports;
	return table;
}

static void remove_slot(struct listener_table *table, struct slot *slot)
{
	HASH_DEL(table->slots, slot);
	free(slot);
}

void listener_table_free(struct listener_table *table)
{
	struct slot *slot, *next;

	if (!table)
		return;
	HASH_ITER(hh, table->slots, slot, next)
		remove_slot(table, slot);
	free(table);
}

int listener_table_set(struct listener_table *table, uint32_t netns, uint16_t port,
		       const struct sp_owner *owner)
{
	uint64_t key = key_of(netns, port);
	struct slot *slot = find(table, key);

	if (slot) {
		slot->owner = *owner;
		return 0;
	}
	if (HASH_COUNT(table->slots) >= table->max_ports)
		return -ENOSPC;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = (struct slot){ .key = key, .owner = *owner };
	HASH_ADD(hh, table->slots, key, sizeof(key), slot);
	if (slot->is_out_of_memory) {
		free(slot);
		return -ENOMEM;
	}
	return 0;
}

const struct sp_owner *listener_table_get(const struct listener_table *table, uint32_t netns,
					  uint16_t port)
{
	const struct slot *slot = find(table, key_of(netns, port));

	return slot ? &slot->owner : NULL;
}

void listener_table_forget(struct listener_table *table, uint32_t netns)
{
	struct slot *slot, *next;

	HASH_ITER(hh, table->slots, slot, next)
		if (slot->key >> 16 == netns)
			remove_slot(table, slot);
}
