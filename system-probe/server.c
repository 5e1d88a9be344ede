/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth_token.h"
#include "batch_source.h"
#include "clients.h"
#include "log.h"
#include "peer.h"
#include "probe.h"
#include "routes.h"
#include "stream.h"

#define MAX_HEADERS_BYTES 8192
#define TIMEOUT_S 10
#define ACCEPT_PAUSE_US 100000
#define MAX_STREAMS 4
#define HTTP_UNAUTHORIZED 401
#define HTTP_FORBIDDEN 403

struct server {
	struct evhttp *http;
	struct clients *clients;
	struct evconnlistener *listener; /* of `http` */
	struct event *resume;
	struct probe *probe;
	struct auth_token *token;
	gid_t group;
	unsigned int n_streams;
	int last_token_error; /* logged once for each change */
};

/* In place of the one that a route set before it failed. */
static void set_content_type(struct evhttp_request *request, const char *type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	(void)evhttp_remove_header(headers, "Content-Type"); /* there need not be one */
	evhttp_add_header(headers, "Content-Type", type);
}

static void reply_text(struct evhttp_request *request, int code, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body)
		evbuffer_add_printf(body, "%s\n", text);
	set_content_type(request, "text/plain");
	evhttp_send_reply(request, code, NULL, body);
	if (body)
		evbuffer_free(body);
}

static bool is_peer_allowed(struct server *server, struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));

	return peer_is_allowed(fd, auth_token_owner(server->token), server->group);
}

static const char *token_remedy(int error)
{
	switch (error) {
	case -EACCES:
		return "give it the group sysprobe.socket_group and mode 0640, and its folders a "
		       "mode that lets that group in";
	case -EPERM:
		return "others may write to it: chmod 0640, after making sure of its content";
	case -EINVAL:
		return "it must be a file with one token of 32 to 256 printable characters: remove "
		       "it and restart core-agent, which writes a new one";
	default:
		return "core-agent writes it; both must name the same auth_token_file_path";
	}
}

static void refresh_token(struct server *server)
{
	const char *path = server->probe->settings->auth_token_file_path;
	int r = auth_token_refresh(server->token);

	if (r == server->last_token_error)
		return;
	server->last_token_error = r;
	if (r < 0)
		log_warn("cannot use the auth-token file, so every request is refused",
			 "path=%s error=%s remedy=%s", path, strerror(-r), token_remedy(r));
	else
		log_info("auth token read", "path=%s", path);
}

/* 0, or the HTTP code to refuse with and its reason. */
static int check_token(struct server *server, struct evhttp_request *request,
		       const char **ret_reason)
{
	static const char scheme[] = "Bearer ";
	const char *header = evhttp_find_header(evhttp_request_get_input_headers(request),
						"Authorization");

	refresh_token(server);
	if (!auth_token_get(server->token)) {
		*ret_reason = "the probe has no auth token yet: is core-agent running, and does "
			      "auth_token_file_path name the same file for both?";
		return HTTP_SERVUNAVAIL;
	}
	if (!header || strncmp(header, scheme, strlen(scheme)) != 0) {
		*ret_reason = "send Authorization: Bearer TOKEN, with the auth-token file's content";
		return HTTP_UNAUTHORIZED;
	}
	header += strlen(scheme);
	if (!auth_token_matches(server->token, header, strlen(header))) {
		*ret_reason = "wrong token: it is not the auth-token file's content";
		return HTTP_FORBIDDEN;
	}
	return 0;
}

static void answer(struct server *server, struct evhttp_request *request, const struct route *route)
{
	struct evbuffer *body = evbuffer_new();

	if (body && route->answer(server->probe, body) == 0)
		evhttp_send_reply(request, HTTP_OK, "OK", body);
	else
		reply_text(request, HTTP_INTERNAL, "out of memory");
	if (body)
		evbuffer_free(body);
}

static void start_stream(struct server *server, struct evhttp_request *request,
			 const struct route *route, uint64_t from)
{
	struct batch_source *source;

	if (server->n_streams >= MAX_STREAMS) {
		reply_text(request, HTTP_SERVUNAVAIL, "too many snapshots at once");
		return;
	}
	source = route->stream(server->probe, from);
	if (!source || stream_start(request, source, server->clients,
				    &server->probe->counters.n_streams_cut,
				    &server->n_streams) < 0)
		reply_text(request, HTTP_INTERNAL, "cannot open a snapshot: out of memory");
}

static void serve(struct server *server, struct evhttp_request *request)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = evhttp_uri_get_path(uri);
	const struct route *route = path ? route_find(path) : NULL;
	uint64_t from;

	if (!route) {
		reply_text(request, HTTP_NOTFOUND, "no such path");
		return;
	}
	if (route_parse_query(evhttp_uri_get_query(uri), &from) < 0) {
		reply_text(request, HTTP_BADREQUEST, "the only query is from=NUMBER");
		return;
	}
	probe_drain(server->probe);
	set_content_type(request, route->content_type);
	if (route->stream)
		start_stream(server, request, route, from);
	else
		answer(server, request, route);
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct server *server = context;
	const char *reason = NULL;
	int code;

	server->probe->counters.n_requests++;
	/* First, as the owner of the token file is among those allowed. */
	refresh_token(server);
	if (!is_peer_allowed(server, request)) {
		server->probe->counters.n_refused_peers++;
		reply_text(request, HTTP_FORBIDDEN,
			   "this user may not ask: run as the owner of the auth-token file or in "
			   "the socket's group");
		return;
	}
	code = check_token(server, request, &reason);
	if (code) {
		server->probe->counters.n_unauthorized++;
		if (code == HTTP_UNAUTHORIZED)
			evhttp_add_header(evhttp_request_get_output_headers(request),
					  "WWW-Authenticate", "Bearer realm=\"sysprobe\"");
		reply_text(request, code, reason);
		return;
	}
	clients_touch(server->clients, evhttp_request_get_connection(request));
	serve(server, request);
}

/* libevent calls what it cannot accept with a context of its own. There is one server. */
static struct server *accepting;

/* For want of descriptors or memory; it would fail again at once. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
	static const struct timeval pause = { 0, ACCEPT_PAUSE_US };
	int error = errno;

	(void)context;
	(void)evconnlistener_disable(listener); /* cannot fail: it forgets an event */
	(void)event_add(accepting->resume, &pause);
	if (accepting->probe->counters.n_accept_errors++ == 0)
		log_warn("cannot accept a client; trying again ten times a second",
			 "error=%s counter=accept_errors", strerror(error));
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
	struct server *server = context;

	(void)fd;
	(void)what;
	if (evconnlistener_enable(server->listener) < 0)
		on_accept_error(server->listener, NULL);
}

static int start_accepting(struct server *server, int fd)
{
	struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(server->http, fd);

	if (!bound) {
		(void)close(fd); /* nobody has connected yet */
		return -ENOMEM;
	}
	server->listener = evhttp_bound_socket_get_listener(bound);
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	accepting = server;
	return 0;
}

static void limit(struct evhttp *http)
{
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET);
	evhttp_set_max_headers_size(http, MAX_HEADERS_BYTES);
	evhttp_set_max_body_size(http, 0);
	evhttp_set_timeout(http, TIMEOUT_S);
}

static int init(struct server *server, struct event_base *base)
{
	server->http = evhttp_new(base);
	server->resume = evtimer_new(base, on_resume, server);
	if (!server->http || !server->resume)
		return -ENOMEM;
	server->clients = clients_new(base, server->http,
				      &server->probe->counters.n_clients_evicted);
	if (!server->clients)
		return -ENOMEM;
	limit(server->http);
	evhttp_set_gencb(server->http, on_request, server);
	return 0;
}

struct server *server_new(struct event_base *base, int fd, struct probe *probe,
			  struct auth_token *token, gid_t group)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server) {
		(void)close(fd); /* nobody has connected yet */
		return NULL;
	}
	server->probe = probe;
	server->token = token;
	server->group = group;
	server->last_token_error = 1; /* no errno: the first result is logged */
	if (init(server, base) < 0) {
		(void)close(fd); /* the same */
		server_free(server);
		return NULL;
	}
	if (start_accepting(server, fd) < 0) {
		server_free(server);
		return NULL;
	}
	return server;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	if (server->http)
		evhttp_free(server->http);
	clients_free(server->clients);
	if (server->resume)
		event_free(server->resume);
	free(server);
}
