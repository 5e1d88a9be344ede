/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an exporter is. The pipeline calls begin, then connection, listener and
 * overflow any number of times, then end; all on the event loop, which none may hold
 * up for more than a moment. A new exporter is one file here that defines one
 * `struct exporter_class`, and one row in exporters.c.
 */

#include "connection.h"

struct event_base;
struct exporter;
struct agent_settings;
struct history;

/* Counters that every exporter keeps; they leave the host with the agent's own. */
struct exporter_stats {
	uint64_t n_connections; /* taken */
	uint64_t n_delivered;   /* known to have arrived or to be stored */
	uint64_t n_dropped;     /* given up, with their bytes unseen upstream */
	uint64_t n_errors;      /* failed attempts, retried ones included */
};

struct exporter_class {
	const char *name; /* as in the setting `exporters` */

	/* NULL with errno set and the reason logged. `settings` outlives the exporter. */
	struct exporter *(*new)(const struct agent_settings *settings, struct event_base *base);

	/* Flushes what it can within a second or so. Takes NULL. */
	void (*free)(struct exporter *exporter);

	int (*begin)(struct exporter *exporter, const struct interval *interval);
	int (*connection)(struct exporter *exporter, const struct connection *connection);
	int (*overflow)(struct exporter *exporter, const struct overflow *overflow);

	/*
	 * The interval is complete. `is_aborted` when the stream from the probe was
	 * cut short: what was handed over is real, more of it comes next time.
	 * Returns 0 once the records are as safe as this exporter makes them. -EPIPE:
	 * nobody reads any more, the agent shall end.
	 */
	int (*end)(struct exporter *exporter, bool is_aborted);
	const struct exporter_stats *(*stats)(const struct exporter *exporter);

	/*
	 * Optional: a listening socket that is new, or has refused more (its `refusals`)
	 * since it was last handed over. It is no connection.
	 */
	int (*listener)(struct exporter *exporter, const struct connection *listener);

	/*
	 * Optional: called once, before the first begin, with the agent's history,
	 * which outlives the exporter; NULL when it could not be opened. Its commit
	 * follows after every end.
	 */
	void (*attach_history)(struct exporter *exporter, struct history *history);

	/*
	 * Optional: a complete look at all connections has ended. Not called after the
	 * intervals in between, which have closed connections only.
	 */
	void (*polled)(struct exporter *exporter);

	/* Optional: what it has handed to the network is on its way; an end can wait for it. */
	bool (*is_sending)(const struct exporter *exporter);
};
