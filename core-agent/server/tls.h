/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The server side of TLS 1.2 and newer over a non-blocking socket, by mbedTLS 2.28
 * or 3.x: the one file that knows which.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_context;
struct tls_session;

/*
 * A self-signed certificate (ECDSA, P-256) with its key, both PEM in one file of mode
 * 0600. It names localhost, the two loopback addresses and `host` (an address or a
 * name; NULL: none). The file is written when it is missing, when it is within 30 days
 * of its end, and when it does not name `host`; one that somebody else made is used as
 * it is. 0 with the reference in `ret`, or negative errno: -EPERM others may read it,
 * -EINVAL it holds no certificate with its key, or what reading or writing gave.
 */
int tls_context_new(const char *path, const char *host, struct tls_context **ret);

/* One more user; a context lives until its last user has left. */
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* takes NULL */

/* Is it time to make a new one (tls_context_new() does)? */
bool tls_context_is_ending(const struct tls_context *context);

/* Made by somebody else, and ending: only that somebody can renew it. */
bool tls_context_is_foreign(const struct tls_context *context);

/* The handshake is part of the first reads. `fd` stays the caller's. NULL: no memory. */
struct tls_session *tls_session_new(struct tls_context *context, int fd);
void tls_session_free(struct tls_session *session); /* takes NULL */

/*
 * As read(2) and write(2): 0 from read is the end. -EAGAIN: wait for
 * tls_session_wants_write() ? writing : reading, then call again, a write with the
 * same size. Any other error ends the session.
 */
ssize_t tls_session_read(struct tls_session *session, void *out, size_t size);
ssize_t tls_session_write(struct tls_session *session, const void *bytes, size_t size);
bool tls_session_wants_write(const struct tls_session *session);

bool tls_session_is_open(const struct tls_session *session); /* the handshake is done */

/* Says goodbye as far as the socket takes it at once. */
void tls_session_close(struct tls_session *session);
