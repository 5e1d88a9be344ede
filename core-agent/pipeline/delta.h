/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a connection did since it was last reported: a bounded table from
 * connection id to the totals reported so far (its baseline). Pure.
 *
 * Every byte is reported once: a connection without an entry has for a baseline
 * what it had counted before this run of the probe; one that does not fit is left
 * out until its close, and one that vanished unseen (its closed record was lost)
 * is handed to the overflow account.
 */

#include <stddef.h>
#include <stdint.h>

#include "connection.h"

struct delta;

#define DELTA_POLLS_UNTIL_VANISHED 5

struct delta_stats {
	uint64_t n_entries;    /* in the table now */
	uint64_t n_table_full; /* live records left out */
	uint64_t n_went_down;  /* a total was below the one reported before */
	uint64_t n_vanished;
};

struct delta_entry {
	uint64_t id;
	struct connection_counters reported;
	bool is_established; /* reported as such */
	enum connection_role role; /* told or guessed, whichever came first; not saved */
	bool is_carried_over; /* from the last instance of the probe, not seen in this one yet */
};

typedef void (*delta_on_entry)(const struct delta_entry *entry, void *context);

struct delta *delta_new(size_t max_entries);
void delta_free(struct delta *delta);

/* Forget all entries: the ids of another boot mean nothing. */
void delta_clear(struct delta *delta);

/*
 * Another instance of the probe on the same boot: ids that are socket cookies
 * (below DELTA_OWN_ID_BIT) go on, the others are forgotten.
 */
#define DELTA_OWN_ID_BIT (1ULL << 52)
void delta_carry_over(struct delta *delta);

/*
 * Fill `interval`, `is_new` and `is_established_now` of `connection` and remember
 * its totals; a closed or failed one is forgotten. The first role that it had
 * stays, as one that was guessed depends on what else is open. A total that went down counts
 * as unchanged. A connection first seen counts as established now when that was
 * at or after `since_unix_ns`. 0, -ENOSPC (table full) or -ENOMEM: then an open
 * connection must not be reported, its totals come later.
 */
int delta_apply(struct delta *delta, struct connection *connection, uint64_t since_unix_ns);

/* NULL: not in the table. Valid until the next change of the table. */
const struct delta_entry *delta_find(const struct delta *delta, uint64_t id);

/*
 * Put back an entry saved earlier, also beyond the bound: it was within the one that held
 * then, and without it the connection would be reported whole again. 0, -ENOMEM, or -EEXIST.
 */
int delta_restore(struct delta *delta, const struct delta_entry *entry);

/*
 * A poll was read to the end, closed connections included. Entries that were in none of the
 * last DELTA_POLLS_UNTIL_VANISHED are removed, each handed to `on_vanished`. The kernel's walk
 * may pass over a connection that lives when others go meanwhile, and would count anew what
 * had been taken for gone; that it does so each time is out of the question.
 */
void delta_sweep(struct delta *delta, delta_on_entry on_vanished, void *context);

void delta_for_each(const struct delta *delta, delta_on_entry on_entry, void *context);

const struct delta_stats *delta_get_stats(const struct delta *delta);
