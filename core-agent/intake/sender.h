/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Posts queued messages, one after another, over TLS, and repeats what may
 * succeed later: network errors, 408, 429 and 5xx. Any other status than 2xx is
 * final: the message is given up. Each kind of trouble is logged once, with
 * what to do about it; those that pass once for each time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue.h"

struct event_base;
struct exporter_stats;
struct sender;

struct sender_settings {
	const char *url;      /* https:// */
	const char *api_key;
	const char *ca_file;  /* empty: the system's */
	const char *hostname;
	const char *version;  /* of this agent */
	size_t max_queue_bytes;
};

/*
 * Copies what it needs of `settings`, keeps `stats` (n_delivered, n_dropped,
 * n_errors) and `base`. NULL: out of memory, or libcurl does not start.
 */
struct sender *sender_new(struct event_base *base, const struct sender_settings *settings,
			  struct exporter_stats *stats);

/* Waiting messages are lost, and counted in stats->n_dropped. Takes NULL. */
void sender_free(struct sender *sender);

/* What requests say from now on; nothing changes without memory. */
void sender_set_hostname(struct sender *sender, const char *hostname);

/* Takes the item over. Nothing is posted before the event loop runs again. */
void sender_add(struct sender *sender, struct queue_item *item);

/* A message is on its way; not while one waits for its next try. */
bool sender_is_posting(const struct sender *sender);

/* What was given up since the last call. */
struct queue_loss sender_take_lost(struct sender *sender);
