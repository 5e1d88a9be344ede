/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The connections of one interval on their way upstream: copied as they come,
 * then sorted, cut into groups and encoded. Whatever does not fit is counted and
 * reported upstream with the rest.
 */

#include <stddef.h>
#include <stdint.h>

#include "connection.h"

struct connections;
struct host;
struct payload_telemetry;

/* At most `max_records` per interval are kept. NULL: out of memory. */
struct connections *connections_new(size_t max_records);
void connections_free(struct connections *connections);

/* Forget everything, for the next interval; keeps memory. */
void connections_clear(struct connections *connections);

/* 0, -ENOSPC (max_records reached) or -ENOMEM; both are counted as dropped. */
int connections_add(struct connections *connections, const struct connection *connection);

/*
 * What never got here: by cause (lost before the agent), or given up after encoding, with
 * what its messages would have told.
 */
void connections_add_overflow(struct connections *connections, const struct overflow *overflow);
void connections_add_lost(struct connections *connections, uint64_t n,
			  const struct payload_telemetry *telemetry);

/* What the first message will tell. Valid until the next change. */
const struct payload_telemetry *connections_telemetry(const struct connections *connections);

size_t connections_count(const struct connections *connections);

struct connections_group {
	const struct host *host;
	const struct tag_set *host_tags; /* NULL: none */
	const struct subnets *subnets; /* NULL: none */
	int32_t id;
	size_t max_per_message; /* 1 .. PAYLOAD_MAX_CONNECTIONS */
};

/*
 * Takes one message's body, which is the caller's again afterwards. Not 0: encoding
 * stops and returns that.
 */
typedef int (*connections_sink)(void *context, const uint8_t *body, size_t size,
				size_t n_connections);

/* Messages that connections_encode() will make: groupSize. */
size_t connections_n_messages(const struct connections *connections, size_t max_per_message);

/*
 * Sort by remote address, then pid (receivers resolve names and tags per message:
 * equal ones stay together), and hand over one body for each `max_per_message`
 * connections. None at all when there are no connections. 0, -ENOMEM, -ENOSPC,
 * or what `sink` returned.
 */
int connections_encode(struct connections *connections, const struct connections_group *group,
		       connections_sink sink, void *context);
