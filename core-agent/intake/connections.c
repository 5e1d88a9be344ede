/* SPDX-License-Identifier: Apache-2.0 */
#include "connections.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "cleanup.h"
#include "host.h"
#include "payload.h"
#include "record.h"
#include "tags/tag_sets.h"

#define FIRST_CAPACITY 1024
#define MAX_TEXT_BYTES 256

/* Container ids and process names, each kept once however many connections have it. */
struct text {
	UT_hash_handle hh;
	char bytes[];
};

struct connections {
	size_t max_records;
	size_t n, capacity;
	struct record *records;
	struct text *texts; /* at most six for each record */
	struct payload_telemetry telemetry;
};

struct connections *connections_new(size_t max_records)
{
	struct connections *connections = calloc(1, sizeof(*connections));

	if (connections)
		connections->max_records = max_records;
	return connections;
}

static void free_texts(struct text **texts)
{
	struct text *text, *next;

	HASH_ITER(hh, *texts, text, next) {
		HASH_DEL(*texts, text);
		free(text);
	}
}

static void release_tags(struct connections *connections)
{
	for (size_t i = 0; i < connections->n; i++) {
		tag_set_release(connections->records[i].tags);
		tag_set_release(connections->records[i].remote_tags);
	}
	connections->n = 0;
}

void connections_free(struct connections *connections)
{
	if (!connections)
		return;
	release_tags(connections);
	free_texts(&connections->texts);
	free(connections->records);
	free(connections);
}

void connections_clear(struct connections *connections)
{
	release_tags(connections);
	free_texts(&connections->texts);
	connections->telemetry = (struct payload_telemetry){0};
}

size_t connections_count(const struct connections *connections)
{
	return connections->n;
}

static int add_text(struct connections *connections, const char *bytes, size_t size,
		    const char **ret_text)
{
	struct text *text = calloc(1, sizeof(*text) + size + 1);

	if (!text)
		return -ENOMEM;
	memcpy(text->bytes, bytes, size);
	HASH_ADD_KEYPTR(hh, connections->texts, text->bytes, size, text);
	if (!text->hh.tbl) { /* uthash: not added */
		free(text);
		return -ENOMEM;
	}
	*ret_text = text->bytes;
	return 0;
}

/* `from` may be NULL or empty: NULL is returned then. */
static int keep_text(struct connections *connections, const char *from, const char **ret_text)
{
	char clean[MAX_TEXT_BYTES];
	struct text *text;

	*ret_text = NULL;
	if (!from || !*from)
		return 0;
	host_copy_printable(clean, sizeof(clean), from, strnlen(from, sizeof(clean)));
	HASH_FIND_STR(connections->texts, clean, text);
	if (!text)
		return add_text(connections, clean, strlen(clean), ret_text);
	*ret_text = text->bytes;
	return 0;
}

static int make_room(struct connections *connections)
{
	size_t capacity = connections->capacity ? connections->capacity * 2 : FIRST_CAPACITY;
	struct record *records;

	if (connections->n >= connections->max_records)
		return -ENOSPC;
	if (connections->n < connections->capacity)
		return 0;
	if (capacity > connections->max_records)
		capacity = connections->max_records;
	records = reallocarray(connections->records, capacity, sizeof(*records));
	if (!records)
		return -ENOMEM;
	connections->records = records;
	connections->capacity = capacity;
	return 0;
}

static const char *program_of(const struct connection *connection)
{
	const char *path = connection->owner.executable;
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (!path || !*path)
		return connection->comm;
	return slash ? slash + 1 : path;
}

static void copy(struct record *to, const struct connection *from)
{
	*to = (struct record){
		.id = from->id,
		.interval = from->interval,
		.local_port = from->local_port,
		.remote_port = from->remote_port,
		.netns = from->netns,
		.error = from->error,
		.pid = from->pid,
		.rtt_us = from->has_rtt ? from->rtt_us : 0,
		.rtt_var_us = from->has_rtt ? from->rtt_var_us : 0,
		.protocol = (uint8_t)from->protocol,
		.family = (uint8_t)from->family,
		.state = (uint8_t)from->state,
		.role = (uint8_t)from->role,
		.direction = (uint8_t)from->direction,
		.is_established_now = from->is_established_now,
		.has_ecn = from->facts.ecn,
	};
	memcpy(to->local_address, from->local_address, sizeof(to->local_address));
	memcpy(to->remote_address, from->remote_address, sizeof(to->remote_address));
}

static int keep_service(struct connections *connections, const struct connection_owner *owner,
			struct record *record)
{
	int result = keep_text(connections, owner->service, &record->service);

	if (!result)
		result = keep_text(connections, owner->env, &record->env);
	return result ? result : keep_text(connections, owner->version, &record->version);
}

static int try_add(struct connections *connections, const struct connection *connection)
{
	struct record *record;
	int result = make_room(connections);

	if (result)
		return result;
	record = &connections->records[connections->n];
	copy(record, connection);
	result = keep_text(connections, connection->owner.container_id, &record->container_id);
	if (!result)
		result = keep_text(connections, connection->remote_container_id,
				   &record->remote_container_id);
	if (!result)
		result = keep_text(connections, program_of(connection), &record->process);
	if (!result)
		result = keep_service(connections, &connection->owner, record);
	if (result)
		return result;
	record->tags = tag_set_hold(connection->tags);
	record->remote_tags = tag_set_hold(connection->remote_tags);
	connections->n++;
	return 0;
}

static void count_dropped(struct connections *connections, bool is_closed, uint64_t n)
{
	struct payload_telemetry *telemetry = &connections->telemetry;
	uint64_t *count = is_closed ? &telemetry->n_closed_dropped : &telemetry->n_dropped;

	if (__builtin_add_overflow(*count, n, count))
		*count = UINT64_MAX;
}

int connections_add(struct connections *connections, const struct connection *connection)
{
	bool is_closed = connection->state == CONNECTION_CLOSED;
	int result = try_add(connections, connection);

	if (result)
		count_dropped(connections, is_closed, 1);
	if (is_closed)
		connections->telemetry.n_closed++;
	return result;
}

void connections_add_overflow(struct connections *connections, const struct overflow *overflow)
{
	/* Causes are the probe's words; those about closed connections say so. */
	bool is_closed = overflow->cause && strstr(overflow->cause, "closed");

	count_dropped(connections, is_closed, overflow->n_connections);
}

void connections_add_lost(struct connections *connections, uint64_t n,
			  const struct payload_telemetry *telemetry)
{
	count_dropped(connections, false, n);
	payload_telemetry_add(&connections->telemetry, telemetry);
}

const struct payload_telemetry *connections_telemetry(const struct connections *connections)
{
	return &connections->telemetry;
}

static int compare_records(const void *left, const void *right)
{
	const struct record *a = left, *b = right;
	int order = memcmp(a->remote_address, b->remote_address, sizeof(a->remote_address));

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (order)
		return order;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

size_t connections_n_messages(const struct connections *connections, size_t max_per_message)
{
	return connections->n / max_per_message + (connections->n % max_per_message ? 1 : 0);
}

static int encode_one(const struct payload *payload, connections_sink sink, void *context)
{
	CLEANUP_FREE uint8_t *body = NULL;
	size_t size = 0;
	int result = payload_encode(payload, &body, &size);

	return result ? result : sink(context, body, size, payload->n_records);
}

int connections_encode(struct connections *connections, const struct connections_group *group,
		       connections_sink sink, void *context)
{
	struct payload payload = {
		.host = group->host,
		.host_tags = group->host_tags,
		.subnets = group->subnets,
		.group_id = group->id,
		.group_size = (int32_t)connections_n_messages(connections, group->max_per_message),
		.telemetry = &connections->telemetry,
	};
	int result = 0;

	if (connections->n) /* else `records` may be NULL, which qsort() must not be given */
		qsort(connections->records, connections->n, sizeof(*connections->records),
		      compare_records);
	for (size_t i = 0; i < connections->n && !result; i += payload.n_records) {
		size_t left = connections->n - i;

		payload.records = &connections->records[i];
		payload.n_records = left < group->max_per_message ? left : group->max_per_message;
		result = encode_one(&payload, sink, context);
		payload.telemetry = NULL;
	}
	return result;
}
