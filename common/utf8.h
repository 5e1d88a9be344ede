/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bytes of unknown origin, told apart as UTF-8 (RFC 3629) or not. Pure. */

#include <stddef.h>

#define UTF8_MAX_BYTES 4 /* of one character */

/*
 * Size of the character that `text`, `size` bytes, begins with: 1 to UTF8_MAX_BYTES,
 * or 0 if there is none or it is not valid. Surrogates, overlong forms, what is beyond
 * U+10FFFF, and a character that `size` cuts are not; a NUL is a character.
 */
size_t utf8_character_size(const void *text, size_t size);

/* Make `text` valid in its place: each byte that is not becomes '?'. */
void utf8_replace_invalid(void *text, size_t size);
