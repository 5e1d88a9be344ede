/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One connection of server.h, from accept to close. For server.c only. */

#include <event2/event.h>
#include <stdbool.h>

#include "server.h"

struct client;

/* What all clients of a server share; outlives them. */
struct client_host {
	struct event_base *base;
	const struct server_config *config;
	struct server_stats *stats;
	void *server;
	bool (*may_go_on)(void *server); /* takes one from the rate; false: too many */
	void (*on_waiting)(struct client *client, void *server); /* for a request, anew */
	void (*on_gone)(struct client *client, void *server); /* is being freed */
};

/* Takes `fd` over, also on failure. `tls` NULL: plain. NULL: out of memory. */
struct client *client_new(const struct client_host *host, int fd, struct tls_context *tls);
void client_free(struct client *client);

/* No request is being answered. */
bool client_is_waiting(const struct client *client);
