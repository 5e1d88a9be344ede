/* SPDX-License-Identifier: Apache-2.0 */
#include "delta.h"

#include "facts.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(slot) ((slot)->is_out_of_memory = true)
#include <uthash.h>

struct slot {
	struct delta_entry entry; /* entry.id is the key */
	uint32_t seen_poll;
	bool is_out_of_memory; /* could not be linked in */
	UT_hash_handle hh;
};

struct delta {
	struct slot *slots;
	size_t max_entries;
	uint32_t poll; /* number of the one going on */
	struct delta_stats stats;
};

struct delta *delta_new(size_t max_entries)
{
	struct delta *delta = calloc(1, sizeof(*delta));

	if (!delta)
		return NULL;
	delta->max_entries = max_entries;
	delta->poll = 1;
	return delta;
}

void delta_free(struct delta *delta)
{
	if (!delta)
		return;
	delta_clear(delta);
	free(delta);
}

static void remove_slot(struct delta *delta, struct slot *slot)
{
	HASH_DEL(delta->slots, slot);
	free(slot);
	delta->stats.n_entries--;
}

void delta_clear(struct delta *delta)
{
	struct slot *slot, *next;

	HASH_ITER(hh, delta->slots, slot, next)
		remove_slot(delta, slot);
}

void delta_carry_over(struct delta *delta)
{
	struct slot *slot, *next;

	HASH_ITER(hh, delta->slots, slot, next) {
		if (slot->entry.id & DELTA_OWN_ID_BIT)
			remove_slot(delta, slot);
		else
			slot->entry.is_carried_over = true;
	}
}

static struct slot *find_slot(const struct delta *delta, uint64_t id)
{
	struct slot *slot;

	HASH_FIND(hh, delta->slots, &id, sizeof(id), slot);
	return slot;
}

static int add_slot(struct delta *delta, const struct delta_entry *entry, uint32_t seen_poll)
{
	struct slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	slot->entry = *entry;
	slot->seen_poll = seen_poll;
	HASH_ADD(hh, delta->slots, entry.id, sizeof(slot->entry.id), slot);
	if (slot->is_out_of_memory) {
		free(slot);
		return -ENOMEM;
	}
	delta->stats.n_entries++;
	return 0;
}

static int add_if_room(struct delta *delta, const struct delta_entry *entry)
{
	if (delta->stats.n_entries < delta->max_entries)
		return add_slot(delta, entry, delta->poll);
	delta->stats.n_table_full++;
	return -ENOSPC;
}

static uint64_t advance(uint64_t *reported, uint64_t total, bool *went_down)
{
	uint64_t grown = 0;

	if (total < *reported) {
		*went_down = true;
	} else {
		grown = total - *reported;
		*reported = total;
	}
	return grown;
}

/* Moves what is known of `reported` up to the total; true when a counter went down. */
static bool subtract(struct connection_counters *reported, struct connection *connection)
{
	bool went_down = false;

	connection->interval = (struct connection_counters){0};
	for (const struct counter *c = facts_counters; c < facts_counters + FACTS_N_COUNTERS; c++)
		if (facts_has_counter(c, &connection->facts))
			*facts_counter_in(c, &connection->interval) =
				advance(facts_counter_in(c, reported),
					facts_get_counter(c, &connection->total), &went_down);
	return went_down;
}

static void fill_new(struct connection *connection, uint64_t since_unix_ns)
{
	struct connection_counters baseline = connection->before_probe;

	(void)subtract(&baseline, connection); /* total is above */
	connection->is_new = true;
	connection->is_established_now = connection->established_unix_ns != 0 &&
					 connection->established_unix_ns >= since_unix_ns;
}

static int apply_new(struct delta *delta, struct connection *connection, uint64_t since_unix_ns)
{
	struct delta_entry entry = {.id = connection->id,
				    .reported = connection->total,
				    .role = connection->role,
				    .is_established = connection->established_unix_ns != 0};
	int r = 0;

	if (connection->state == CONNECTION_OPEN)
		r = add_if_room(delta, &entry);
	if (r == 0)
		fill_new(connection, since_unix_ns);
	return r;
}

static void apply_known(struct delta *delta, struct connection *connection, struct slot *slot)
{
	bool is_established = connection->established_unix_ns != 0;

	if (subtract(&slot->entry.reported, connection))
		delta->stats.n_went_down++;
	connection->is_new = false;
	connection->is_established_now = is_established && !slot->entry.is_established;
	slot->entry.is_established |= is_established;
	slot->entry.is_carried_over = false;
	if (slot->entry.role == CONNECTION_ROLE_UNKNOWN)
		slot->entry.role = connection->role;
	connection->role = slot->entry.role;
	slot->seen_poll = delta->poll;
	if (connection->state != CONNECTION_OPEN)
		remove_slot(delta, slot);
}

int delta_apply(struct delta *delta, struct connection *connection, uint64_t since_unix_ns)
{
	struct slot *slot = find_slot(delta, connection->id);

	if (!slot)
		return apply_new(delta, connection, since_unix_ns);
	apply_known(delta, connection, slot);
	return 0;
}

const struct delta_entry *delta_find(const struct delta *delta, uint64_t id)
{
	const struct slot *slot = find_slot(delta, id);

	return slot ? &slot->entry : NULL;
}

int delta_restore(struct delta *delta, const struct delta_entry *entry)
{
	if (find_slot(delta, entry->id))
		return -EEXIST;
	return add_slot(delta, entry, delta->poll - 1);
}

void delta_sweep(struct delta *delta, delta_on_entry on_vanished, void *context)
{
	struct slot *slot, *next;

	HASH_ITER(hh, delta->slots, slot, next) {
		if (delta->poll - slot->seen_poll < DELTA_POLLS_UNTIL_VANISHED)
			continue;
		on_vanished(&slot->entry, context);
		delta->stats.n_vanished++;
		remove_slot(delta, slot);
	}
	delta->poll++;
}

void delta_for_each(const struct delta *delta, delta_on_entry on_entry, void *context)
{
	for (const struct slot *slot = delta->slots; slot; slot = slot->hh.next)
		on_entry(&slot->entry, context);
}

const struct delta_stats *delta_get_stats(const struct delta *delta)
{
	return &delta->stats;
}
