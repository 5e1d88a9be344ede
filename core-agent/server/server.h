/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP/1.1 server on the event loop, over TLS or without. It knows no route and no
 * token. Every client is bounded: in bytes that it may send, in the time a whole
 * request may take (bytes that dribble in do not extend it), in the time it may leave
 * what it is sent unread, and in number.
 */

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "request.h"
#include "response.h"

struct server;
struct tls_context;

/* Fill `response`; its source, if any, outlives the call and is freed by the server. */
typedef void (*server_handler)(const struct request *request, struct response *response,
			       void *context);

struct server_config {
	const char *host; /* "localhost", or an address */
	uint16_t port;
	struct tls_context *tls; /* NULL: plain; the server takes a reference */
	server_handler handler;
	void *context;
	unsigned int max_clients;     /* over it, the one longest without a request goes */
	unsigned int max_per_second;  /* handshakes and requests together, twice that at once */
	unsigned int request_deadline_ms; /* from the connection or the last answer on */
	unsigned int stall_deadline_ms; /* for each RESPONSE_CHUNK_BYTES or so of an answer */
};

struct server_stats {
	uint64_t n_accepted;
	uint64_t n_requests;
	uint64_t n_bad_requests;    /* refused by the parser */
	uint64_t n_rate_limited;    /* requests refused over max_per_second */
	uint64_t n_delayed;	    /* handshakes put off over max_per_second */
	uint64_t n_evicted;	    /* gave way to a newer connection */
	uint64_t n_refused;	    /* all clients were being answered */
	uint64_t n_request_timeouts;
	uint64_t n_stalled;	    /* did not read their answer */
	uint64_t n_tls_errors;
	uint64_t n_cut;		    /* the source of an answer failed */
	unsigned int n_clients;	    /* now */
};

/*
 * 0, -EINVAL (`host` is neither localhost nor an address), -EADDRINUSE,
 * -EADDRNOTAVAIL, -EACCES, -ENOMEM, or what the socket gave.
 */
int server_new(struct event_base *base, const struct server_config *config, struct server **ret);

/* Ends every connection. Takes NULL. */
void server_free(struct server *server);

/* For connections from now on; takes a reference. */
void server_set_tls(struct server *server, struct tls_context *tls);

/* Can only this host reach it? */
bool server_is_loopback(const struct server *server);

const struct server_stats *server_get_stats(const struct server *server);
