/* SPDX-License-Identifier: Apache-2.0 */
#include "logs.h"

#include "api_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "log.h"

#define MAX_STREAMS 4
/* Lines that a reader did not take yet; those beyond are dropped, and it is told. */
#define MAX_BYTES 65536
/* Lines that were written last; the oldest go first. */
#define MAX_RECENT_BYTES 65536

struct log_stream {
	struct response_source source; /* first: the server's view of it */
	struct log_stream_hub *hub;
	struct evbuffer *lines;
	uint64_t n_dropped;
};

struct log_stream_hub {
	struct log_stream *streams[MAX_STREAMS];
	struct evbuffer *recent;
};

static void add_line(struct log_stream *stream, const char *line, size_t size)
{
	if (evbuffer_get_length(stream->lines) + size > MAX_BYTES ||
	    evbuffer_add(stream->lines, line, size) < 0)
		stream->n_dropped++;
	else if (stream->source.wake)
		stream->source.wake(stream->source.wake_context);
}

static void keep(struct log_stream_hub *hub, const char *line, size_t size)
{
	while (evbuffer_get_length(hub->recent) + size > MAX_RECENT_BYTES) {
		struct evbuffer_ptr end = evbuffer_search(hub->recent, "\n", 1, NULL);

		if (end.pos < 0)
			break;
		(void)evbuffer_drain(hub->recent, (size_t)end.pos + 1); /* so much is there */
	}
	(void)evbuffer_add(hub->recent, line, size); /* a line that finds no memory is only not kept */
}

/* Called from inside log_line(): must not log. */
static void on_line(const char *line, size_t size, void *context)
{
	struct log_stream_hub *hub = context;

	keep(hub, line, size);
	for (size_t i = 0; i < MAX_STREAMS; i++)
		if (hub->streams[i])
			add_line(hub->streams[i], line, size);
}

struct log_stream_hub *log_stream_hub_new(void)
{
	struct log_stream_hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		return NULL;
	hub->recent = evbuffer_new();
	if (!hub->recent) {
		free(hub);
		return NULL;
	}
	log_set_tap(on_line, hub);
	return hub;
}

void log_stream_hub_free(struct log_stream_hub *hub)
{
	if (!hub)
		return;
	log_set_tap(NULL, NULL);
	evbuffer_free(hub->recent);
	free(hub);
}

int log_stream_hub_copy(struct log_stream_hub *hub, struct evbuffer *out)
{
	size_t size = evbuffer_get_length(hub->recent);

	if (size == 0)
		return 0;
	return evbuffer_add(out, evbuffer_pullup(hub->recent, -1), size) < 0 ? -ENOMEM : 0;
}

static int stream_next(struct response_source *source, struct evbuffer *out)
{
	struct log_stream *stream = (struct log_stream *)source;

	if (stream->n_dropped > 0 &&
	    evbuffer_add_printf(out, "(%" PRIu64 " lines left out: they came faster than they "
				     "were read)\n", stream->n_dropped) < 0)
		return -ENOMEM;
	stream->n_dropped = 0;
	if (evbuffer_add_buffer(out, stream->lines) < 0)
		return -ENOMEM;
	return evbuffer_get_length(out) > 0 ? 1 : -EAGAIN;
}

static void stream_free(struct response_source *source)
{
	struct log_stream *stream = (struct log_stream *)source;

	for (size_t i = 0; i < MAX_STREAMS; i++)
		if (stream->hub->streams[i] == stream)
			stream->hub->streams[i] = NULL;
	evbuffer_free(stream->lines);
	free(stream);
}

struct response_source *log_stream_new(struct log_stream_hub *hub)
{
	struct log_stream *stream = NULL;

	for (size_t i = 0; i < MAX_STREAMS && !stream; i++) {
		if (hub->streams[i])
			continue;
		stream = calloc(1, sizeof(*stream));
		if (!stream)
			return NULL;
		stream->lines = evbuffer_new();
		if (!stream->lines) {
			free(stream);
			return NULL;
		}
		hub->streams[i] = stream;
	}
	if (!stream)
		return NULL;
	stream->hub = hub;
	stream->source.next = stream_next;
	stream->source.free = stream_free;
	return &stream->source;
}

void logs_stream(struct api *api, const struct api_request *request, struct response *response)
{
	if (!answer_no_parameters(request, response))
		return;
	response->source = log_stream_new(api->logs);
	response->content_type = "text/plain; charset=utf-8";
	if (!response->source)
		answer_error(response, 503, "%d clients read the log already", MAX_STREAMS);
}

void logs_get_recent(struct api *api, const struct api_request *request, struct response *response)
{
	if (!answer_no_parameters(request, response))
		return;
	response->content_type = "text/plain; charset=utf-8";
	if (log_stream_hub_copy(api->logs, response->body) < 0)
		answer_error(response, 500, "out of memory");
}
