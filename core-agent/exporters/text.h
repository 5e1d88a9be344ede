/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text of unknown origin, made fit for JSON or for a terminal. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "connection.h"

#define TEXT_TIME_SIZE sizeof("2026-01-01T00:00:00.000Z")

/* RFC 3339 with milliseconds, UTC. */
void text_format_time(uint64_t unix_ns, char ret[TEXT_TIME_SIZE]);

/*
 * Copy with each byte that is not part of valid UTF-8 (RFC 3629: no surrogates,
 * no overlong forms) replaced by U+FFFD. Cut, at a whole character, to fit
 * `size` with its NUL. Returns the length.
 */
size_t text_make_utf8(const char *text, char *out, size_t size);

/* The length that it has when nothing is cut. */
size_t text_utf8_size(const char *text);

/*
 * Copy the first `width` characters with everything but printable ASCII replaced
 * by '?', so that no text can move the cursor; `size` as above.
 */
size_t text_make_printable(const char *text, size_t width, char *out, size_t size);

/* "10.0.0.1" or "2001:db8::1" (RFC 5952). `ret` has INET6_ADDRSTRLEN bytes. */
void text_format_address(enum connection_family family, const uint8_t address[16],
			 char ret[INET6_ADDRSTRLEN]);
