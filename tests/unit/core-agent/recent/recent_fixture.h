/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Connections for the tests of the store and of what is asked of it. */

#include "recent/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline void begin(struct recent *recent, const char *instance)
{
	const struct interval interval = {.end_unix_ns = 1000, .probe_instance = instance,
					  .tier = "test"};

	recent_begin(recent, &interval);
}

static inline struct connection a_connection(uint64_t id, enum connection_state state)
{
	return (struct connection){
		.id = id,
		.protocol = CONNECTION_TCP,
		.family = CONNECTION_IPV4,
		.state = state,
		.role = CONNECTION_CLIENT,
		.direction = CONNECTION_OUTGOING,
		.local_address = {10, 0, 0, 1},
		.remote_address = {192, 0, 2, 1},
		.local_port = 40000,
		.remote_port = 443,
		.pid = 7,
		.process_start_ns = 1,
		.comm = "curl",
		.owner = {.executable = "/usr/bin/curl", .systemd_unit = "fetch.service",
			  .service = "fetch", .service_source = "systemd", .env = "prod",
			  .version = "1.2"},
		.total = {.bytes_sent = id},
	};
}

static inline void add(struct recent *recent, uint64_t id, enum connection_state state)
{
	struct connection connection = a_connection(id, state);

	recent_add(recent, &connection);
}

struct ids {
	uint64_t ids[16];
	size_t n;
	const struct recent_record *last;
};

static inline void note_id(const struct recent_record *record, void *context)
{
	struct ids *ids = context;

	ids->ids[ids->n++] = record->id;
	ids->last = record;
}

static inline struct ids all_ids(const struct recent *recent)
{
	struct ids ids = {.n = 0};

	recent_for_each(recent, note_id, &ids);
	return ids;
}
