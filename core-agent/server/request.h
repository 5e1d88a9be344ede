/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The head of an HTTP/1.x request, taken apart as strictly as RFC 9112 allows: what
 * a careful client never sends (folded lines, control characters, two lengths, a
 * chunked body) is refused. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_MAX_HEAD_BYTES 8192
#define REQUEST_MAX_BODY_BYTES 65536
#define REQUEST_MAX_HEADERS 64
#define REQUEST_MAX_PATH_BYTES 512

/* Borrowed bytes, not NUL-terminated. */
struct request_span {
	const char *bytes; /* NULL: absent */
	size_t size;
};

struct request {
	bool is_post; /* else GET */
	char path[REQUEST_MAX_PATH_BYTES]; /* percent-decoded, begins with '/' */
	struct request_span query;
	struct request_span authorization;
	struct request_span body; /* filled by whoever read it */
	size_t head_size;         /* with the empty line */
	size_t body_size;         /* as announced */
	bool is_keep_alive;
	bool has_chunks; /* HTTP/1.1: its sender understands a chunked answer */
};

/*
 * Parse a head from the beginning of `bytes`. 0: all of `ret` is set, spans point
 * into `bytes`. 1: no end yet. Otherwise the HTTP status to refuse it with, negated:
 * -400 malformed, -405 neither GET nor POST, -411 a body of unknown length, -413 body
 * over REQUEST_MAX_BODY_BYTES, -414 path too long, -417 an expectation, -431 head
 * over REQUEST_MAX_HEAD_BYTES or too many headers, -505 another version.
 */
int request_parse(const char *bytes, size_t size, struct request *ret);

/*
 * The next NAME=VALUE of a query. `rest` moves behind it. Both are percent-decoded,
 * '+' is a space, NUL-terminated. 1: one was taken, 0: none is left, -EINVAL: bad
 * escape, a NUL, or longer than the buffers.
 */
int request_next_parameter(struct request_span *rest, char *name, size_t name_size, char *value,
			   size_t value_size);
