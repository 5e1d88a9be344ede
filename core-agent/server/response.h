/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a handler answers with. */

#include <event2/buffer.h>
#include <stdbool.h>

/* A source gives about this much at a time. */
#define RESPONSE_CHUNK_BYTES 32768

/*
 * A body that is made while the client takes it. `next` adds the next piece to `out`:
 * 1 there is more, 0 that was the end, -EAGAIN nothing now (it calls `wake` when there
 * is), another negative errno ends the connection, which shows the client that the
 * answer was cut. All on the event loop.
 */
struct response_source {
	int (*next)(struct response_source *source, struct evbuffer *out);
	void (*free)(struct response_source *source);
	void (*wake)(void *wake_context); /* set by the server before the first `next` */
	void *wake_context;
};

struct response {
	int status;
	const char *content_type; /* static */
	const char *header;       /* one more, "Name: value", static; NULL: none */
	struct evbuffer *body;    /* empty; the server's */
	struct response_source *source; /* NULL: `body` is all; else the server frees it */
};

/* "Not Found" */
const char *response_reason(int status);

/* A status with one line of text. */
void response_text(struct response *response, int status, const char *text);

/*
 * Head, and the body when there is no source. `is_chunked` says how a source's pieces
 * will be framed. 0 or -ENOMEM.
 */
int response_write(const struct response *response, bool is_chunked, bool is_keep_alive,
		   struct evbuffer *out);

/* Move `piece` to `out`, framed when `is_chunked`; the end is an empty piece. 0 or -ENOMEM. */
int response_write_piece(struct evbuffer *piece, bool is_chunked, struct evbuffer *out);
