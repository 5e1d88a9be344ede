/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sets of tags, packed: version 3 of the format of encodedTags and
 * encodedConnectionsTags. Each distinct tag and each distinct set is there once;
 * a set is named by its position inside the footer.
 */

#include <stddef.h>
#include <stdint.h>

#define TAG_BUFFER_MAX_TAGS UINT16_MAX      /* of a set; the rest is left out */
#define TAG_BUFFER_MAX_TAG_BYTES UINT16_MAX /* of a tag; the rest is cut off */
#define TAG_BUFFER_NONE (-1)

struct tag_buffer;

/* `max_bytes` bounds the encoded size; at most INT32_MAX. NULL: out of memory. */
struct tag_buffer *tag_buffer_new(size_t max_bytes);
void tag_buffer_free(struct tag_buffer *buffer);

/*
 * Add a set; order and repetition of its tags do not matter. `*ret_index` is
 * what other messages refer to, the same for an equal set, TAG_BUFFER_NONE for
 * the empty one. 0, -ENOSPC (the buffer would exceed its maximum) or -ENOMEM;
 * after an error no index is given, but some of the set's tags may be in the buffer.
 */
int tag_buffer_add(struct tag_buffer *buffer, const char *const *tags, size_t n,
		   int32_t *ret_index);

/* `*ret_bytes` is the caller's to free. 0 or -ENOMEM. */
int tag_buffer_encode(const struct tag_buffer *buffer, uint8_t **ret_bytes, size_t *ret_size);

/* XOR of the murmur3 of each tag: the field tagsChecksum. 0 for the empty set. */
uint32_t tag_buffer_checksum(const char *const *tags, size_t n);
