/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One message of an interval: records in, the bytes of a CollectorConnections out. */

#include <stddef.h>
#include <stdint.h>

#include "host.h"
#include "record.h"

#define PAYLOAD_MAX_CONNECTIONS 1000

/* The agent's own losses and work in an interval, for connTelemetryMap. */
struct payload_telemetry {
	uint64_t n_closed;
	uint64_t n_closed_dropped; /* closed connections that could not be kept */
	uint64_t n_dropped;        /* all others */
};

void payload_telemetry_add(struct payload_telemetry *sum, const struct payload_telemetry *more);

struct payload {
	const struct host *host;
	const struct tag_set *host_tags; /* NULL: none */
	const struct subnets *subnets; /* NULL: none */
	int32_t group_id;
	int32_t group_size;
	const struct payload_telemetry *telemetry; /* NULL: not in this message */
	const struct record *records;
	size_t n_records; /* 1 .. PAYLOAD_MAX_CONNECTIONS */
};

/* `*ret_body` is the caller's to free. 0, -ENOMEM, -ENOSPC (tags) or -EINVAL (n_records). */
int payload_encode(const struct payload *payload, uint8_t **ret_body, size_t *ret_size);
