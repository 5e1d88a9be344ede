/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing; a slot with no end is free. Slots are only
 * freed by making the table anew, so a chain has no holes.
 */
#include "host_pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "loopback.h"

#define FIRST_SLOTS 1024 /* a power of two, as all sizes of the table */
#define POLLS_UNTIL_FORGOTTEN 2

/* Of a pair's two endpoints, the one that is lower as bytes. */
enum ends {
	LOW_SEEN = 1,
	HIGH_SEEN = 2,
	BOTH_SEEN = LOW_SEEN | HIGH_SEEN,
	LOW_CLOSED = 4,
	HIGH_CLOSED = 8,
};
#define TO_CLOSED(seen) ((seen) << 2)

struct slot {
	uint64_t hash;
	uint32_t seen_poll;
	uint32_t ends; /* enum ends; 0: free */
};

struct host_pairs {
	struct slot *slots;
	size_t n_slots;
	size_t max_pairs;
	size_t n_without_open_end; /* could leave when room is short */
	uint32_t poll;		   /* number of the one going on */
	uint8_t key[XXH3_SECRET_SIZE_MIN];
	struct host_pairs_stats stats;
};

struct endpoint {
	uint8_t address[16];
	uint8_t port_be[2];
};

/* Hashed as bytes: no padding. */
struct pair {
	struct endpoint low, high;
	uint8_t protocol;
	uint8_t family;
	uint8_t netns[4]; /* loopback_netns() */
};
_Static_assert(sizeof(struct pair) == 42, "pair");

static struct slot *new_slots(size_t n)
{
	return calloc(n, sizeof(struct slot));
}

struct host_pairs *host_pairs_new(size_t max_pairs)
{
	struct host_pairs *pairs = calloc(1, sizeof(*pairs));

	if (!pairs)
		return NULL;
	pairs->max_pairs = max_pairs;
	pairs->n_slots = FIRST_SLOTS;
	pairs->slots = new_slots(FIRST_SLOTS);
	if (pairs->slots && getrandom(pairs->key, sizeof(pairs->key), 0) == sizeof(pairs->key))
		return pairs;
	host_pairs_free(pairs);
	return NULL;
}

void host_pairs_free(struct host_pairs *pairs)
{
	if (!pairs)
		return;
	free(pairs->slots);
	free(pairs);
}

void host_pairs_clear(struct host_pairs *pairs)
{
	memset(pairs->slots, 0, pairs->n_slots * sizeof(*pairs->slots));
	pairs->n_without_open_end = 0;
	pairs->stats.n_pairs = 0;
}

static struct endpoint endpoint_of(const uint8_t address[16], uint16_t port)
{
	struct endpoint endpoint = {.port_be = {(uint8_t)(port >> 8), (uint8_t)port}};

	memcpy(endpoint.address, address, sizeof(endpoint.address));
	return endpoint;
}

/* The hash of the pair; `ret_end` is LOW_SEEN or HIGH_SEEN: which of them is local. */
static uint64_t hash_of(const struct host_pairs *pairs, const struct connection *end,
			unsigned int *ret_end)
{
	struct endpoint local = endpoint_of(end->local_address, end->local_port);
	struct endpoint remote = endpoint_of(end->remote_address, end->remote_port);
	bool is_low = memcmp(&local, &remote, sizeof(local)) < 0;
	struct pair pair = {.low = is_low ? local : remote,
			    .high = is_low ? remote : local,
			    .protocol = (uint8_t)end->protocol,
			    .family = (uint8_t)end->family};
	uint32_t netns = loopback_netns(end);

	memcpy(pair.netns, &netns, sizeof(pair.netns));
	*ret_end = is_low ? LOW_SEEN : HIGH_SEEN;
	return XXH3_64bits_withSecret(&pair, sizeof(pair), pairs->key, sizeof(pairs->key));
}

/* Its slot, or the free one where it belongs: there always is one. */
static struct slot *find_slot(struct slot *slots, size_t n_slots, uint64_t hash)
{
	size_t i = hash & (n_slots - 1);

	while (slots[i].ends && slots[i].hash != hash)
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

static bool has_open_end(const struct slot *slot)
{
	return (TO_CLOSED(slot->ends & BOTH_SEEN) & ~slot->ends) != 0;
}

typedef bool (*keeps)(const struct host_pairs *pairs, const struct slot *slot);

/* Copies what `is_kept` into a table of `n_slots`; without memory all stays as it is. */
static int remake(struct host_pairs *pairs, size_t n_slots, keeps is_kept)
{
	struct slot *slots = new_slots(n_slots);

	if (!slots)
		return -ENOMEM;
	pairs->stats.n_pairs = 0;
	pairs->n_without_open_end = 0;
	for (const struct slot *old = pairs->slots; old < pairs->slots + pairs->n_slots; old++) {
		if (!old->ends || !is_kept(pairs, old))
			continue;
		*find_slot(slots, n_slots, old->hash) = *old;
		pairs->stats.n_pairs++;
		pairs->n_without_open_end += !has_open_end(old);
	}
	free(pairs->slots);
	pairs->slots = slots;
	pairs->n_slots = n_slots;
	return 0;
}

static bool keeps_all(const struct host_pairs *pairs, const struct slot *slot)
{
	(void)pairs;
	(void)slot;
	return true;
}

static bool keeps_open(const struct host_pairs *pairs, const struct slot *slot)
{
	(void)pairs;
	return has_open_end(slot);
}

static bool keeps_recent(const struct host_pairs *pairs, const struct slot *slot)
{
	return pairs->poll - slot->seen_poll < POLLS_UNTIL_FORGOTTEN;
}

static uint64_t count_single_closed(const struct host_pairs *pairs)
{
	uint64_t n = 0;

	for (const struct slot *slot = pairs->slots; slot < pairs->slots + pairs->n_slots; slot++)
		n += slot->ends && (slot->ends & BOTH_SEEN) != BOTH_SEEN && !has_open_end(slot);
	return n;
}

/* Only when it frees a good part: remaking costs a walk over all. */
static int make_room_by_closed(struct host_pairs *pairs)
{
	uint64_t n_hurried;
	int r;

	if (pairs->n_without_open_end <= pairs->max_pairs / 8)
		return -ENOSPC;
	n_hurried = count_single_closed(pairs);
	r = remake(pairs, pairs->n_slots, keeps_open);
	if (r == 0)
		pairs->stats.n_hurried += n_hurried;
	return r;
}

/* At most three quarters of the slots are in use. */
static int make_room(struct host_pairs *pairs)
{
	if (pairs->stats.n_pairs >= pairs->max_pairs)
		return make_room_by_closed(pairs);
	if (pairs->stats.n_pairs < pairs->n_slots / 4 * 3)
		return 0;
	return remake(pairs, pairs->n_slots * 2, keeps_all);
}

/* NULL: no room. */
static struct slot *take_slot(struct host_pairs *pairs, uint64_t hash)
{
	struct slot *slot = find_slot(pairs->slots, pairs->n_slots, hash);

	if (slot->ends)
		return slot;
	if (make_room(pairs) < 0)
		return NULL;
	slot = find_slot(pairs->slots, pairs->n_slots, hash);
	slot->hash = hash;
	pairs->stats.n_pairs++;
	return slot;
}

void host_pairs_see(struct host_pairs *pairs, const struct connection *end)
{
	unsigned int seen;
	uint64_t hash = hash_of(pairs, end, &seen);
	struct slot *slot;
	bool was_closed;

	if (end->state != CONNECTION_OPEN && end->state != CONNECTION_CLOSED)
		return;
	slot = take_slot(pairs, hash);
	if (!slot) {
		pairs->stats.n_full++;
		return;
	}
	was_closed = slot->ends && !has_open_end(slot);
	slot->seen_poll = pairs->poll;
	slot->ends |= seen;
	if (end->state == CONNECTION_CLOSED)
		slot->ends |= TO_CLOSED(seen);
	else /* the same endpoints may be in use again */
		slot->ends &= ~TO_CLOSED(seen);
	pairs->n_without_open_end += !has_open_end(slot);
	pairs->n_without_open_end -= was_closed;
}

bool host_pairs_has(const struct host_pairs *pairs, const struct connection *end)
{
	unsigned int seen;
	uint64_t hash = hash_of(pairs, end, &seen);
	const struct slot *slot = find_slot(pairs->slots, pairs->n_slots, hash);

	return (slot->ends & BOTH_SEEN & ~seen) != 0;
}

void host_pairs_sweep(struct host_pairs *pairs)
{
	size_t n_slots = pairs->n_slots;

	/* Give back what a burst took. */
	while (n_slots > FIRST_SLOTS && pairs->stats.n_pairs < n_slots / 8)
		n_slots /= 2;
	(void)remake(pairs, n_slots, keeps_recent); /* out of memory: at the next one */
	pairs->poll++;
}

const struct host_pairs_stats *host_pairs_get_stats(const struct host_pairs *pairs)
{
	return &pairs->stats;
}
