/* SPDX-License-Identifier: Apache-2.0 */
#include "clients.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stddef.h>
#include <stdlib.h>

/* More than listen.c's backlog, so that all who wait there are heard before one gives way. */
#define MAX_CLIENTS 256

struct client {
	struct evhttp_connection *connection; /* NULL: a free place */
	uint64_t used; /* a number that only grows */
	clients_gone_cb gone; /* NULL: not held */
	void *context;
};

struct clients {
	struct client places[MAX_CLIENTS];
	struct bufferevent *newest; /* one reference; its connection has no place yet */
	struct event *placing;
	uint64_t next_number;
	uint64_t *n_evicted;
};

static struct client *find(struct clients *clients, const struct evhttp_connection *connection)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		if (clients->places[i].connection == connection)
			return &clients->places[i];
	return NULL;
}

static void on_gone(struct evhttp_connection *connection, void *context)
{
	struct client *client = find(context, connection);
	struct client was;

	if (!client)
		return;
	was = *client;
	*client = (struct client){ 0 };
	if (was.gone)
		was.gone(connection, was.context);
}

/* NULL: all are held. */
static struct client *least_used(struct clients *clients)
{
	struct client *found = NULL;

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &clients->places[i];

		if (!client->gone && (!found || client->used < found->used))
			found = client;
	}
	return found;
}

static struct client *make_room(struct clients *clients)
{
	struct client *client = find(clients, NULL);

	if (client)
		return client;
	client = least_used(clients);
	if (!client)
		return NULL;
	(*clients->n_evicted)++;
	evhttp_connection_free(client->connection); /* on_gone() frees the place */
	return client;
}

static void place(struct clients *clients, struct evhttp_connection *connection)
{
	struct client *client = make_room(clients);

	if (!client) {
		(*clients->n_evicted)++;
		evhttp_connection_free(connection);
		return;
	}
	*client = (struct client){ .connection = connection, .used = clients->next_number++ };
	evhttp_connection_set_closecb(connection, on_gone, clients);
}

/*
 * libevent 2.1 shows nobody a connection before its first request (evhttp_set_newreqcb()
 * of 2.2 does); but it is what its bufferevent's callbacks are called with, in all of
 * 2.0 to 2.2. There is none if it has ended already, for want of memory.
 */
static void place_newest(struct clients *clients)
{
	struct bufferevent *newest = clients->newest;
	void *connection = NULL;

	if (!newest)
		return;
	clients->newest = NULL;
	bufferevent_getcb(newest, NULL, NULL, NULL, &connection);
	(void)bufferevent_decref(newest); /* whether it was the last one is all the same */
	if (connection)
		place(clients, connection);
}

static void on_placing(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	place_newest(context);
}

/*
 * A connection is being accepted, and made when this returns. Nothing of it happens
 * before it has its place: that waits for the loop's next look at its descriptor.
 */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
	struct clients *clients = context;

	place_newest(clients);
	clients->newest = bufferevent_socket_new(base, -1, 0);
	if (clients->newest) {
		bufferevent_incref(clients->newest);
		event_active(clients->placing, 0, 0);
	}
	return clients->newest;
}

struct clients *clients_new(struct event_base *base, struct evhttp *http, uint64_t *n_evicted)
{
	struct clients *clients = calloc(1, sizeof(*clients));

	if (!clients)
		return NULL;
	clients->n_evicted = n_evicted;
	clients->placing = event_new(base, -1, 0, on_placing, clients);
	if (!clients->placing) {
		free(clients);
		return NULL;
	}
	evhttp_set_bevcb(http, on_accept, clients);
	return clients;
}

void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	if (clients->newest)
		(void)bufferevent_decref(clients->newest); /* as in place_newest() */
	event_free(clients->placing);
	free(clients);
}

void clients_touch(struct clients *clients, const struct evhttp_connection *connection)
{
	struct client *client = find(clients, connection);

	if (client)
		client->used = clients->next_number++;
}

int clients_hold(struct clients *clients, const struct evhttp_connection *connection,
		 clients_gone_cb gone, void *context)
{
	struct client *client = find(clients, connection);

	if (!client)
		return -ENOENT;
	client->gone = gone;
	client->context = context;
	return 0;
}

void clients_release(struct clients *clients, const struct evhttp_connection *connection)
{
	struct client *client = find(clients, connection);

	if (client)
		client->gone = NULL;
}
