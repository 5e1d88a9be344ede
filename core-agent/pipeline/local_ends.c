/* SPDX-License-Identifier: Apache-2.0 */
#include "local_ends.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(item) ((item)->is_out_of_memory = true)
#include <uthash.h>

#include "loopback.h"

#define POLLS_UNTIL_FORGOTTEN 2

/* As its own side sees it; compared as bytes, without padding. */
struct key {
	uint8_t local_address[16], remote_address[16];
	uint16_t local_port, remote_port;
	uint8_t protocol, family;
	uint8_t zero[2];
	uint32_t netns; /* loopback_netns() */
};
_Static_assert(sizeof(struct key) == 44, "key");

struct item {
	struct key key;
	UT_hash_handle hh;
	struct local_end_owner owner;
	uint32_t seen_poll;
	bool is_out_of_memory; /* could not be linked in */
};

struct local_ends {
	struct item *table;
	size_t max_ends;
	uint32_t poll; /* number of the one going on */
	struct local_ends_stats stats;
};

struct local_ends *local_ends_new(size_t max_ends)
{
	struct local_ends *ends = calloc(1, sizeof(*ends));

	if (ends)
		ends->max_ends = max_ends;
	return ends;
}

static void remove_item(struct local_ends *ends, struct item *item)
{
	HASH_DEL(ends->table, item);
	free(item);
	ends->stats.n_ends--;
}

void local_ends_clear(struct local_ends *ends)
{
	struct item *item, *next;

	HASH_ITER(hh, ends->table, item, next)
		remove_item(ends, item);
}

void local_ends_free(struct local_ends *ends)
{
	if (!ends)
		return;
	local_ends_clear(ends);
	free(ends);
}

static struct key key_of(const struct connection *end)
{
	struct key key = {.local_port = end->local_port,
			  .remote_port = end->remote_port,
			  .protocol = (uint8_t)end->protocol,
			  .family = (uint8_t)end->family,
			  .netns = loopback_netns(end)};

	memcpy(key.local_address, end->local_address, 16);
	memcpy(key.remote_address, end->remote_address, 16);
	return key;
}

static struct key other_key_of(const struct connection *end)
{
	struct key key = {.local_port = end->remote_port,
			  .remote_port = end->local_port,
			  .protocol = (uint8_t)end->protocol,
			  .family = (uint8_t)end->family,
			  .netns = loopback_netns(end)};

	memcpy(key.local_address, end->remote_address, 16);
	memcpy(key.remote_address, end->local_address, 16);
	return key;
}

static struct item *find(const struct local_ends *ends, const struct key *key)
{
	struct item *item;

	HASH_FIND(hh, ends->table, key, sizeof(*key), item);
	return item;
}

/* NULL: no room or no memory. */
static struct item *add(struct local_ends *ends, const struct key *key)
{
	struct item *item = ends->stats.n_ends < ends->max_ends ? calloc(1, sizeof(*item)) : NULL;

	if (!item)
		return NULL;
	item->key = *key;
	HASH_ADD(hh, ends->table, key, sizeof(item->key), item);
	if (item->is_out_of_memory) {
		free(item);
		return NULL;
	}
	ends->stats.n_ends++;
	return item;
}

void local_ends_note(struct local_ends *ends, const struct connection *end)
{
	struct key key = key_of(end);
	struct item *item = find(ends, &key);

	if (!item)
		item = add(ends, &key);
	if (!item) {
		ends->stats.n_full++;
		return;
	}
	item->seen_poll = ends->poll;
	if (end->pid || !item->owner.pid)
		item->owner = (struct local_end_owner){.pid = end->pid,
						       .process_start_ns = end->process_start_ns,
						       .cgroup_id = end->cgroup_id};
}

const struct local_end_owner *local_ends_other(const struct local_ends *ends,
					       const struct connection *end)
{
	struct key key = other_key_of(end);
	const struct item *item = find(ends, &key);

	return item ? &item->owner : NULL;
}

void local_ends_sweep(struct local_ends *ends)
{
	struct item *item, *next;

	ends->poll++;
	HASH_ITER(hh, ends->table, item, next)
		if (ends->poll - item->seen_poll > POLLS_UNTIL_FORGOTTEN)
			remove_item(ends, item);
}

const struct local_ends_stats *local_ends_get_stats(const struct local_ends *ends)
{
	return &ends->stats;
}
