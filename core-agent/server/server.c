/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "client.h"
#include "tls.h"

#define NS_PER_S UINT64_C(1000000000)
#define BACKLOG 128
/* After accept(2) failed, for instance for want of descriptors. */
#define ACCEPT_PAUSE_S 1

struct place {
	struct client *client; /* NULL: free */
	uint64_t waiting_since; /* a number that only grows */
};

struct server {
	struct server_config config;
	struct client_host host;
	struct server_stats stats;
	struct evconnlistener *listener;
	struct event *resume;
	struct tls_context *tls;
	bool is_loopback;
	struct place *places; /* config.max_clients */
	uint64_t next_number;
	uint64_t rate_ns; /* as much as may be used now: one second gives max_per_second */
	uint64_t rate_at_ns; /* CLOCK_MONOTONIC */
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Two seconds' worth at once at most. */
static bool take_rate(void *context)
{
	struct server *server = context;
	uint64_t price_ns = NS_PER_S / server->config.max_per_second;
	uint64_t now_ns = clock_monotonic_ns();

	server->rate_ns += now_ns - server->rate_at_ns;
	server->rate_at_ns = now_ns;
	if (server->rate_ns > 2 * NS_PER_S)
		server->rate_ns = 2 * NS_PER_S;
	if (server->rate_ns < price_ns)
		return false;
	server->rate_ns -= price_ns;
	return true;
}

static struct place *find_place(struct server *server, const struct client *client)
{
	for (size_t i = 0; i < server->config.max_clients; i++)
		if (server->places[i].client == client)
			return &server->places[i];
	return NULL;
}

static void on_client_waiting(struct client *client, void *context)
{
	struct server *server = context;
	struct place *place = find_place(server, client);

	if (place)
		place->waiting_since = server->next_number++;
}

static void on_client_gone(struct client *client, void *context)
{
	struct place *place = find_place(context, client);

	if (place)
		place->client = NULL;
}

/* NULL: all are being answered. */
static struct place *make_room(struct server *server)
{
	struct place *oldest = find_place(server, NULL);

	if (oldest)
		return oldest;
	for (size_t i = 0; i < server->config.max_clients; i++) {
		struct place *place = &server->places[i];

		if (client_is_waiting(place->client) &&
		    (!oldest || place->waiting_since < oldest->waiting_since))
			oldest = place;
	}
	if (!oldest) {
		server->stats.n_refused++;
		return NULL;
	}
	server->stats.n_evicted++;
	client_free(oldest->client);
	return oldest;
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int size, void *context)
{
	struct server *server = context;
	struct place *place = make_room(server);

	(void)listener;
	(void)address;
	(void)size;
	if (!place) {
		(void)close(fd); /* nothing was exchanged */
		return;
	}
	server->stats.n_accepted++;
	place->client = client_new(&server->host, fd, server->tls);
	place->waiting_since = server->next_number++;
}

static void on_accept_error(struct evconnlistener *listener, void *context)
{
	static const struct timeval pause = {.tv_sec = ACCEPT_PAUSE_S};
	struct server *server = context;

	(void)evconnlistener_disable(listener); /* it would fail again at once */
	(void)event_add(server->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short events, void *context)
{
	struct server *server = context;

	(void)fd;
	(void)events;
	(void)evconnlistener_enable(server->listener);
}

/* Size of the address, or 0. */
static int parse_address(const char *host, uint16_t port, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		return sizeof(ret->v4);
	}
	if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) != 1)
		return 0;
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	return sizeof(ret->v6);
}

static bool is_loopback(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

static int start_listening(struct server *server)
{
	union address address;
	int size = parse_address(server->config.host, server->config.port, &address);

	if (size == 0)
		return -EINVAL;
	server->is_loopback = is_loopback(&address);
	errno = 0;
	server->listener = evconnlistener_new_bind(
		server->host.base, on_connection, server,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG,
		&address.any, size);
	if (!server->listener)
		return errno > 0 ? -errno : -ENOMEM;
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	return 0;
}

int server_new(struct event_base *base, const struct server_config *config, struct server **ret)
{
	struct server *server = calloc(1, sizeof(*server));
	int r = -ENOMEM;

	if (!server)
		return r;
	server->config = *config;
	server->host = (struct client_host){.base = base,
					    .config = &server->config,
					    .stats = &server->stats,
					    .server = server,
					    .may_go_on = take_rate,
					    .on_waiting = on_client_waiting,
					    .on_gone = on_client_gone};
	server->rate_ns = 2 * NS_PER_S;
	server->rate_at_ns = clock_monotonic_ns();
	server->places = calloc(config->max_clients, sizeof(*server->places));
	server->resume = evtimer_new(base, on_resume, server);
	if (config->tls)
		server_set_tls(server, config->tls);
	if (server->places && server->resume)
		r = start_listening(server);
	if (r < 0)
		server_free(server);
	else
		*ret = server;
	return r;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	for (size_t i = 0; server->places && i < server->config.max_clients; i++)
		if (server->places[i].client)
			client_free(server->places[i].client);
	if (server->listener)
		evconnlistener_free(server->listener);
	if (server->resume)
		event_free(server->resume);
	tls_context_unref(server->tls);
	free(server->places);
	free(server);
}

void server_set_tls(struct server *server, struct tls_context *tls)
{
	struct tls_context *before = server->tls;

	server->tls = tls_context_ref(tls);
	tls_context_unref(before);
}

bool server_is_loopback(const struct server *server)
{
	return server->is_loopback;
}

const struct server_stats *server_get_stats(const struct server *server)
{
	return &server->stats;
}
