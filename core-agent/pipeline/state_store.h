/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the pipeline remembers between intervals, in memory and in the history:
 * read positions, baselines of connections, sums of losses. The three are one
 * state: they are loaded, changed and committed together.
 */

#include <stdbool.h>

#include "delta.h"
#include "history/history.h"
#include "overflow_account.h"

struct state_store {
	struct history_state positions;
	struct delta *delta;
	struct overflow_account *account;
	struct history *history; /* NULL: in memory only */
	struct history_state committed;
};

/*
 * Load what the history holds; a file that cannot be read is logged, and all begins anew.
 * More baselines than `max_connections` are kept, and new connections have to wait.
 * `history` may be NULL and must outlive the store. 0 or -ENOMEM.
 */
int state_store_init(struct state_store *store, struct history *history, size_t max_connections);
void state_store_deinit(struct state_store *store);

/*
 * Another instance of the probe: its logs and sums begin anew. Baselines stay when
 * it runs on the same boot, where sockets keep their cookies.
 */
void state_store_reset(struct state_store *store, const char *probe_instance, const char *boot_id);

/* Does the store's state come from this boot? False for an empty `boot_id`. */
bool state_store_is_same_boot(const struct state_store *store, const char *boot_id);

/* delta_apply(), with the change noted for the commit. */
int state_store_apply(struct state_store *store, struct connection *connection);

/* delta_sweep(): baselines of what vanished go to the overflow account. */
void state_store_sweep(struct state_store *store);

/* Do the positions differ from those committed? */
bool state_store_has_moved(const struct state_store *store);

/* Commit the interval; a failure was logged and counted by the history. */
void state_store_commit(struct state_store *store);
