/* SPDX-License-Identifier: Apache-2.0 */
#include "state_store.h"

#include "log.h"

#include <errno.h>
#include <string.h>

#define FIRST_SEQUENCE 1

static int restore_baseline(uint64_t id, const struct connection_counters *reported,
			    bool is_established, void *context)
{
	const struct delta_entry entry = {
		.id = id, .reported = *reported, .is_established = is_established};

	return delta_restore(context, &entry);
}

static int restore_sum(const char *name, uint64_t n_connections,
		       const struct connection_counters *counters, void *context)
{
	const struct overflow_sum sum = {.n_connections = n_connections, .counters = *counters};

	/* A cause without room is not told from now on either; the account counts it. */
	(void)overflow_account_restore(context, name, &sum);
	return 0;
}

static int load(struct state_store *store)
{
	int r = history_load_state(store->history, &store->positions);

	if (r == 0 && *store->positions.probe_instance)
		r = history_load_baselines(store->history, restore_baseline, store->delta);
	if (r == 0 && *store->positions.probe_instance)
		r = history_load_sums(store->history, restore_sum, store->account);
	return r;
}

int state_store_init(struct state_store *store, struct history *history, size_t max_connections)
{
	int r;

	*store = (struct state_store){.history = history,
				      .delta = delta_new(max_connections),
				      .account = overflow_account_new()};
	r = store->delta && store->account ? 0 : -ENOMEM;
	if (r == 0 && history)
		r = load(store);
	if (r == -ENOMEM) { /* the file is good: what it holds must not be given up */
		state_store_deinit(store);
		return r;
	}
	if (r < 0) {
		log_warn("cannot use the saved read positions; connections may be reported again",
			 "error=%s remedy=%s", strerror(-r), history_remedy(r));
		state_store_reset(store, "", "");
	}
	store->committed = store->positions;
	if (!store->positions.closed_next)
		store->positions.closed_next = FIRST_SEQUENCE;
	return 0;
}

void state_store_deinit(struct state_store *store)
{
	delta_free(store->delta);
	overflow_account_free(store->account);
	*store = (struct state_store){0};
}

static void put_entry(const struct delta_entry *entry, void *context)
{
	history_put_baseline(context, entry->id, &entry->reported, entry->is_established);
}

bool state_store_is_same_boot(const struct state_store *store, const char *boot_id)
{
	return *boot_id && strcmp(boot_id, store->positions.boot_id) == 0;
}

void state_store_reset(struct state_store *store, const char *probe_instance, const char *boot_id)
{
	bool is_same_boot = state_store_is_same_boot(store, boot_id);
	struct history_state positions = {.closed_next = FIRST_SEQUENCE,
					  .polled_unix_ns = store->positions.polled_unix_ns};

	/* All of them hold 32 digits. */
	(void)snprintf(positions.probe_instance, sizeof(positions.probe_instance), "%s",
		       probe_instance);
	(void)snprintf(positions.boot_id, sizeof(positions.boot_id), "%s", boot_id);
	store->positions = positions;
	if (is_same_boot)
		delta_carry_over(store->delta);
	else
		delta_clear(store->delta);
	overflow_account_clear(store->account);
	if (!store->history)
		return;
	history_clear_baselines(store->history);
	delta_for_each(store->delta, put_entry, store->history);
}

static bool has_any(const struct connection_counters *counters)
{
	return counters->bytes_sent || counters->bytes_received || counters->packets_sent ||
	       counters->packets_received || counters->retransmits;
}

static void note_change(struct state_store *store, const struct connection *connection)
{
	const struct delta_entry *entry;

	if (connection->state != CONNECTION_OPEN) {
		if (!connection->is_new)
			history_remove_baseline(store->history, connection->id);
		return;
	}
	if (!connection->is_new && !connection->is_established_now &&
	    !has_any(&connection->interval))
		return;
	entry = delta_find(store->delta, connection->id);
	if (entry)
		history_put_baseline(store->history, entry->id, &entry->reported,
				     entry->is_established);
}

int state_store_apply(struct state_store *store, struct connection *connection)
{
	int r = delta_apply(store->delta, connection, store->positions.polled_unix_ns);

	if (r == 0 && store->history)
		note_change(store, connection);
	return r;
}

static void on_vanished(const struct delta_entry *entry, void *context)
{
	struct state_store *store = context;

	/* One that closed while no probe ran is in no overflow of this one. */
	if (!entry->is_carried_over)
		overflow_account_add_vanished(store->account, &entry->reported);
	if (store->history)
		history_remove_baseline(store->history, entry->id);
}

void state_store_sweep(struct state_store *store)
{
	delta_sweep(store->delta, on_vanished, store);
}

bool state_store_has_moved(const struct state_store *store)
{
	const struct history_state *now = &store->positions, *then = &store->committed;

	return strcmp(now->probe_instance, then->probe_instance) != 0 ||
	       now->closed_next != then->closed_next ||
	       now->closed_handed != then->closed_handed ||
	       now->polled_unix_ns != then->polled_unix_ns;
}

static void put_sum(const char *name, const struct overflow_sum *sum, void *context)
{
	history_put_sum(context, name, sum->n_connections, &sum->counters);
}

void state_store_commit(struct state_store *store)
{
	if (!store->history)
		return;
	if (history_is_behind(store->history)) {
		history_clear_baselines(store->history);
		delta_for_each(store->delta, put_entry, store->history);
	}
	history_clear_sums(store->history);
	overflow_account_for_each(store->account, put_sum, store->history);
	if (history_commit(store->history, &store->positions) == 0)
		store->committed = store->positions;
}
