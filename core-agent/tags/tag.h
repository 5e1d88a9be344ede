/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The one rule for what a tag looks like, whatever source it comes from. Pure.
 *
 * A tag is "key:value". The key is lower case, of [a-z0-9_./-], begins with a letter and
 * has at most TAG_MAX_KEY_BYTES; the whole has at most TAG_MAX_BYTES, which is what
 * receivers keep of one. In a value, what a receiver would take apart (spaces, commas,
 * control characters) and bytes that are not UTF-8 are '_'; case is kept; it is cut at a
 * whole character.
 */

#include <stdbool.h>
#include <stddef.h>

#define TAG_MAX_KEY_BYTES 100
#define TAG_MAX_BYTES 200
#define TAG_SIZE (TAG_MAX_BYTES + 1)

/*
 * Write the tag with its NUL; returns its length, or 0, `ret` empty, when nothing of key
 * or value is left: such a tag says nothing. `ret_is_cut`, which may be NULL: it did not fit
 * whole.
 */
size_t tag_format(const char *key, const char *value, char ret[TAG_SIZE], bool *ret_is_cut);
