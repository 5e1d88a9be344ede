/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One request after the other to one service outside, on the event loop: whole answers in
 * memory, bounded in size and time, or a stream taken piece by piece. TLS verifies peer and
 * name; redirects and proxies are not followed. For sources of tags.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct curl_loop;
struct fetch;

struct fetch_settings {
	const char *unix_socket; /* NULL: TCP, as the URL says */
	const char *ca_file;	 /* PEM; NULL: the system's */
	const char *interface;	 /* as CURLOPT_INTERFACE; NULL: any */
	uint32_t connect_timeout_ms;
	uint32_t timeout_ms; /* of the whole request; 0: a stream without end */
	size_t max_bytes;    /* of a body that is kept */
	bool is_peer_unverified; /* the one who sets this says why, in the log */
	bool is_http2;		 /* from the first byte, without upgrade, also in plain text */
};

struct fetch_request {
	const char *url;
	const char *method;		/* NULL: GET, or POST when there is a body */
	const char *const *headers;	/* "Name: value", ends with NULL; or NULL */
	const void *body;		/* NULL: none; must live until the answer */
	size_t body_size;

	/* Takes the body as it comes, in place of keeping it; not 0: give up. Optional. */
	int (*on_bytes)(const char *bytes, size_t size, void *context);
};

struct fetch_answer {
	/*
	 * 0: there is an answer, whatever its status. -ECONNREFUSED, -ENOENT (no such socket),
	 * -EACCES, -EHOSTUNREACH (name or route), -ETIMEDOUT, -EKEYREJECTED (certificate),
	 * -EFBIG (max_bytes), -ECANCELED (on_bytes gave up), -EPROTO (cut off, or not HTTP),
	 * -ENOMEM, -EIO (all else).
	 */
	int error;
	const char *problem; /* of an error: a printable sentence without secrets; else "" */
	long status;
	const char *body;    /* NUL-terminated behind `size`; "" without one */
	size_t size;
};

typedef void (*fetch_on_answer)(const struct fetch_answer *answer, void *context);

/* Strings are copied. NULL: out of memory. */
struct fetch *fetch_new(struct curl_loop *loop, const struct fetch_settings *settings);
void fetch_free(struct fetch *fetch); /* ends what runs, without answer; takes NULL */

/*
 * `on_answer` is called once, later, from the loop; it may start the next one. 0, -EBUSY (one
 * runs), -ENOSPC (too many transfers in the loop) or -ENOMEM.
 */
int fetch_start(struct fetch *fetch, const struct fetch_request *request,
		fetch_on_answer on_answer, void *context);

/* End what runs, without answer; not from on_bytes. */
void fetch_cancel(struct fetch *fetch);

bool fetch_is_running(const struct fetch *fetch);

#define FETCH_NO_PEER ((uid_t)-1)

/*
 * Who listens on the Unix socket that the body comes from, in on_bytes and `on_answer`: the
 * effective user of listen(2), as SO_PEERCRED has it. FETCH_NO_PEER: no body came, or not from
 * such a socket.
 */
uid_t fetch_peer(const struct fetch *fetch);

/* Value of a header or trailer of the last answer, valid until the next start; or NULL. */
const char *fetch_header(struct fetch *fetch, const char *name);
