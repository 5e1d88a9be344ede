/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "batch_source.h"
#include "clients.h"
#include "log.h"

struct stream {
	struct evhttp_request *request;
	struct evhttp_connection *connection;
	struct clients *clients;
	struct batch_source *source;
	struct evbuffer *chunk;
	uint64_t *n_cut;
	unsigned int *n_active;
};

static void stream_free(struct stream *stream)
{
	stream->source->free(stream->source);
	evbuffer_free(stream->chunk);
	(*stream->n_active)--;
	free(stream);
}

/*
 * When the peer hung up or was too slow, libevent has taken the request, which is
 * not done, off the connection and leaves it to us; when the connection ends with
 * the server it frees both.
 */
static void on_client_gone(struct evhttp_connection *connection, void *context)
{
	struct stream *stream = context;

	(void)connection; /* the same as stream->connection */
	(*stream->n_cut)++;
	if (!evhttp_request_get_connection(stream->request))
		evhttp_request_free(stream->request);
	stream_free(stream);
}

static void finish(struct stream *stream)
{
	clients_release(stream->clients, stream->connection);
	evhttp_send_reply_end(stream->request);
	stream_free(stream);
}

/* Without the last chunk and without a trailer the client knows that it was cut. */
static void abort_stream(struct stream *stream, int error)
{
	struct evhttp_connection *connection = stream->connection;

	log_warn("a snapshot was cut short", "error=%s", strerror(-error));
	clients_release(stream->clients, connection);
	(*stream->n_cut)++;
	stream_free(stream);
	evhttp_connection_free(connection);
}

static void send_next(struct evhttp_connection *connection, void *context)
{
	struct stream *stream = context;
	int r;

	(void)connection;
	do {
		r = stream->source->next(stream->source, stream->chunk);
	} while (r > 0 && evbuffer_get_length(stream->chunk) == 0);
	if (r < 0)
		abort_stream(stream, r);
	else if (r == 0)
		finish(stream);
	else
		evhttp_send_reply_chunk_with_cb(stream->request, stream->chunk, send_next, stream);
}

int stream_start(struct evhttp_request *request, struct batch_source *source,
		 struct clients *clients, uint64_t *n_cut, unsigned int *n_active)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct stream *stream = calloc(1, sizeof(*stream));
	struct evbuffer *chunk = evbuffer_new();

	if (!stream || !chunk || clients_hold(clients, connection, on_client_gone, stream) < 0) {
		free(stream);
		if (chunk)
			evbuffer_free(chunk);
		source->free(source);
		return -ENOMEM;
	}
	*stream = (struct stream){
		.request = request,
		.connection = connection,
		.clients = clients,
		.source = source,
		.chunk = chunk,
		.n_cut = n_cut,
		.n_active = n_active,
	};
	(*n_active)++;
	evhttp_send_reply_start(request, HTTP_OK, "OK");
	send_next(stream->connection, stream);
	return 0;
}
