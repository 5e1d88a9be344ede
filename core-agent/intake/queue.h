/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Encoded messages that wait to be posted, oldest first. All messages of one
 * interval form one item, which is posted, or given up, as a whole.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "payload.h"

struct queue_message {
	uint8_t *bytes; /* heap */
	size_t size;
	size_t n_connections;
};

struct queue_item;

/* What was given up: connections, and what the first message would have told of others. */
struct queue_loss {
	uint64_t n_connections;
	struct payload_telemetry telemetry;
};

/* `n_messages` is fixed here. NULL: out of memory. */
struct queue_item *queue_item_new(time_t unix_seconds, size_t n_messages);
void queue_item_free(struct queue_item *item);

/* Takes `bytes` over in any case. 0 or -ENOSPC (already n_messages). */
int queue_item_add(struct queue_item *item, uint8_t *bytes, size_t size, size_t n_connections);

/* What its first message tells; nothing without. */
void queue_item_set_telemetry(struct queue_item *item, const struct payload_telemetry *telemetry);

time_t queue_item_time(const struct queue_item *item);

struct queue;

struct queue *queue_new(size_t max_bytes);
void queue_free(struct queue *queue);

/*
 * Take the item over. Older ones, then if need be this one, are given up until
 * all fit in max_bytes; returns what that lost.
 */
struct queue_loss queue_add(struct queue *queue, struct queue_item *item);

/*
 * The message to post now: the oldest item's first one that is not posted yet;
 * NULL: the queue is empty. `*ret_batch` counts the item's messages from 0.
 * Valid until the queue changes.
 */
const struct queue_message *queue_first(const struct queue *queue,
					const struct queue_item **ret_item, uint32_t *ret_batch);

/* Remove that message: it is posted, or given up. Returns what the latter loses. */
struct queue_loss queue_remove_first(struct queue *queue);

uint64_t queue_n_connections(const struct queue *queue);
