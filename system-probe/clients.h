/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The connections on the probe's socket, which are bounded: who may connect needs no
 * token, and shall use up no descriptors. A newcomer is always let in; beyond the
 * maximum the connection that has been of no use for longest gives way. One that a
 * stream goes out on, which takes the token, is held and never does.
 */

#include <stdint.h>

struct clients;
struct event_base;
struct evhttp;
struct evhttp_connection;

/* Called when a held connection ends before clients_release(). */
typedef void (*clients_gone_cb)(struct evhttp_connection *connection, void *context);

/*
 * Watch all connections that `http` accepts from now on; its bevcb and their closecb
 * are taken. `n_evicted` counts and outlives it. NULL: out of memory.
 */
struct clients *clients_new(struct event_base *base, struct evhttp *http, uint64_t *n_evicted);
/* After evhttp_free(), which ends the connections. */
void clients_free(struct clients *clients);

/* It has shown the token: from now on it counts as the newest. */
void clients_touch(struct clients *clients, const struct evhttp_connection *connection);

/*
 * Keep the connection, and be told when it ends. 0, or -ENOENT: it is not known, for
 * want of memory. The caller sees to it that some places are never held.
 */
int clients_hold(struct clients *clients, const struct evhttp_connection *connection,
		 clients_gone_cb gone, void *context);
void clients_release(struct clients *clients, const struct evhttp_connection *connection);
