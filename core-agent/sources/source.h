/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a source of tags is: something outside that knows names, asked over the network or a
 * Unix socket, without ever holding up the event loop. A new source is one file here, or a
 * folder, that defines one `struct source_class`, and one row in sources.c.
 *
 * A source that is away, slow or lying costs nobody else anything: what it said last stays
 * in `entities`, which has an age limit; its health says so, once for each change.
 */

#include <stddef.h>
#include <stdint.h>

#include "tags/entities.h"

struct agent_settings;
struct curl_loop;
struct event_base;
struct host_facts;
struct source;
struct source_health;

/* All outlive the source. */
struct source_context {
	const struct agent_settings *settings;
	struct event_base *base;
	struct curl_loop *loop;
	struct entities *entities;
	struct host_facts *host; /* what a cloud or a setting says of this host */
};

struct source_class {
	const char *name; /* "docker", as in the setting, in logs, status and metrics */

	/*
	 * 0, or negative errno: -ENODEV is no failure but "not configured, or nothing of it on
	 * this host", silently. Starts by itself, with timers on context->base.
	 */
	int (*new)(const struct source_context *context, struct source **ret);
	void (*free)(struct source *source); /* takes NULL */

	const struct source_health *(*health)(const struct source *source);

	/*
	 * Optional: a connection has this entity, and nobody knows it. The source may look
	 * sooner than it would; it is told once between two ticks at most. `runtime` is what
	 * the cgroup says, as connection_owner.container_runtime; NULL: nothing.
	 */
	void (*wanted)(struct source *source, enum entity_kind kind, const char *id,
		       const char *runtime);
};
