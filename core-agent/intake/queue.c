/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

struct queue_item {
	TAILQ_ENTRY(queue_item) entry;
	time_t unix_seconds;
	struct payload_telemetry telemetry; /* of the first message */
	size_t max, n;
	size_t next; /* messages before it are posted and freed */
	struct queue_message messages[];
};

struct queue {
	TAILQ_HEAD(items, queue_item) items;
	size_t max_bytes;
	size_t bytes; /* of messages not posted yet */
	uint64_t n_connections;
};

struct queue_item *queue_item_new(time_t unix_seconds, size_t n_messages)
{
	struct queue_item *item;
	size_t size;

	if (__builtin_mul_overflow(n_messages, sizeof(item->messages[0]), &size) ||
	    __builtin_add_overflow(size, sizeof(*item), &size))
		return NULL;
	item = calloc(1, size);
	if (!item)
		return NULL;
	item->unix_seconds = unix_seconds;
	item->max = n_messages;
	return item;
}

void queue_item_free(struct queue_item *item)
{
	if (!item)
		return;
	for (size_t i = item->next; i < item->n; i++)
		free(item->messages[i].bytes);
	free(item);
}

int queue_item_add(struct queue_item *item, uint8_t *bytes, size_t size, size_t n_connections)
{
	if (item->n == item->max) {
		free(bytes);
		return -ENOSPC;
	}
	item->messages[item->n++] = (struct queue_message){bytes, size, n_connections};
	return 0;
}

void queue_item_set_telemetry(struct queue_item *item, const struct payload_telemetry *telemetry)
{
	item->telemetry = *telemetry;
}

time_t queue_item_time(const struct queue_item *item)
{
	return item->unix_seconds;
}

struct queue *queue_new(size_t max_bytes)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	TAILQ_INIT(&queue->items);
	queue->max_bytes = max_bytes;
	return queue;
}

static void add_loss(struct queue_loss *loss, const struct queue_item *item, size_t i)
{
	loss->n_connections += item->messages[i].n_connections;
	if (i == 0)
		payload_telemetry_add(&loss->telemetry, &item->telemetry);
}

/* Adds to `loss` what was still in it. */
static void remove_item(struct queue *queue, struct queue_item *item, struct queue_loss *loss)
{
	for (size_t i = item->next; i < item->n; i++) {
		queue->bytes -= item->messages[i].size;
		queue->n_connections -= item->messages[i].n_connections;
		add_loss(loss, item, i);
	}
	TAILQ_REMOVE(&queue->items, item, entry);
	queue_item_free(item);
}

void queue_free(struct queue *queue)
{
	struct queue_loss loss = {0}; /* the caller asked before */

	if (!queue)
		return;
	while (!TAILQ_EMPTY(&queue->items))
		remove_item(queue, TAILQ_FIRST(&queue->items), &loss);
	free(queue);
}

struct queue_loss queue_add(struct queue *queue, struct queue_item *item)
{
	struct queue_loss loss = {0};

	TAILQ_INSERT_TAIL(&queue->items, item, entry);
	for (size_t i = item->next; i < item->n; i++) {
		queue->bytes += item->messages[i].size;
		queue->n_connections += item->messages[i].n_connections;
	}
	if (item->next == item->n)
		remove_item(queue, item, &loss);
	while (queue->bytes > queue->max_bytes)
		remove_item(queue, TAILQ_FIRST(&queue->items), &loss);
	return loss;
}

const struct queue_message *queue_first(const struct queue *queue,
					const struct queue_item **ret_item, uint32_t *ret_batch)
{
	const struct queue_item *item = TAILQ_FIRST(&queue->items);

	if (!item)
		return NULL;
	*ret_item = item;
	*ret_batch = (uint32_t)item->next;
	return &item->messages[item->next];
}

struct queue_loss queue_remove_first(struct queue *queue)
{
	struct queue_item *item = TAILQ_FIRST(&queue->items);
	struct queue_loss loss = {0};
	struct queue_message *message;

	if (!item)
		return loss;
	add_loss(&loss, item, item->next);
	message = &item->messages[item->next++];
	queue->bytes -= message->size;
	queue->n_connections -= message->n_connections;
	free(message->bytes);
	if (item->next == item->n)
		remove_item(queue, item, &loss); /* nothing is left in it */
	return loss;
}

uint64_t queue_n_connections(const struct queue *queue)
{
	return queue->n_connections;
}
