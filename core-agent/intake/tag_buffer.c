/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout, little endian: version, u32 position of the footer; the tags, each
 * with its u16 size; the footer: the sets, each a u16 count and the u32 position
 * of each of its tags.
 */
#include "tag_buffer.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "cleanup.h"
#include "murmur3.h"

#define VERSION 3
#define HEADER_BYTES 5

struct span {
	const char *bytes;
	size_t size;
};

/* Where the bytes `key` are already written: a tag's text, or a set's positions. */
struct known {
	UT_hash_handle hh;
	uint32_t position;
	uint8_t key[];
};

struct tag_buffer {
	size_t max_bytes;
	struct evbuffer *tags;
	struct evbuffer *footer;
	struct known *known_tags;
	struct known *known_sets;
};

static struct known *find_known(struct known *table, const void *key, size_t size)
{
	struct known *known;

	HASH_FIND(hh, table, key, size, known);
	return known;
}

static int add_known(struct known **table, const void *key, size_t size, uint32_t position)
{
	struct known *known = calloc(1, sizeof(*known) + size);

	if (!known)
		return -ENOMEM;
	known->position = position;
	memcpy(known->key, key, size);
	HASH_ADD_KEYPTR(hh, *table, known->key, size, known);
	if (!known->hh.tbl) { /* uthash: not added */
		free(known);
		return -ENOMEM;
	}
	return 0;
}

static void free_known(struct known **table)
{
	struct known *known, *next;

	HASH_ITER(hh, *table, known, next) {
		HASH_DEL(*table, known);
		free(known);
	}
}

struct tag_buffer *tag_buffer_new(size_t max_bytes)
{
	struct tag_buffer *buffer = calloc(1, sizeof(*buffer));

	if (!buffer)
		return NULL;
	buffer->max_bytes = max_bytes < INT32_MAX ? max_bytes : INT32_MAX;
	buffer->tags = evbuffer_new();
	buffer->footer = evbuffer_new();
	if (buffer->tags && buffer->footer)
		return buffer;
	tag_buffer_free(buffer);
	return NULL;
}

void tag_buffer_free(struct tag_buffer *buffer)
{
	if (!buffer)
		return;
	free_known(&buffer->known_tags);
	free_known(&buffer->known_sets);
	if (buffer->tags)
		evbuffer_free(buffer->tags);
	if (buffer->footer)
		evbuffer_free(buffer->footer);
	free(buffer);
}

static bool has_room(const struct tag_buffer *buffer, size_t size)
{
	size_t used = HEADER_BYTES + evbuffer_get_length(buffer->tags) +
		      evbuffer_get_length(buffer->footer);

	return used <= buffer->max_bytes && size <= buffer->max_bytes - used;
}

static int append_le(struct evbuffer *to, uint32_t number, size_t size)
{
	const uint8_t bytes[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
				  (uint8_t)(number >> 24)};

	return evbuffer_add(to, bytes, size) ? -ENOMEM : 0;
}

static int append_tag(struct tag_buffer *buffer, struct span tag)
{
	if (!has_room(buffer, 2 + tag.size))
		return -ENOSPC;
	if (append_le(buffer->tags, (uint32_t)tag.size, 2) ||
	    evbuffer_add(buffer->tags, tag.bytes, tag.size))
		return -ENOMEM;
	return 0;
}

static int add_tag(struct tag_buffer *buffer, struct span tag, uint32_t *ret_position)
{
	uint32_t position = HEADER_BYTES + (uint32_t)evbuffer_get_length(buffer->tags);
	struct known *known = find_known(buffer->known_tags, tag.bytes, tag.size);
	int result;

	if (known) {
		*ret_position = known->position;
		return 0;
	}
	result = append_tag(buffer, tag);
	if (!result)
		result = add_known(&buffer->known_tags, tag.bytes, tag.size, position);
	if (!result)
		*ret_position = position;
	return result;
}

static int compare_spans(const void *left, const void *right)
{
	const struct span *a = left, *b = right;
	int order = memcmp(a->bytes, b->bytes, a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* Sorted and without repetition; returns how many are left. */
static size_t normalize(const char *const *tags, size_t n, struct span *ret_spans)
{
	size_t n_distinct = 0;

	for (size_t i = 0; i < n; i++)
		ret_spans[i] = (struct span){tags[i], strnlen(tags[i], TAG_BUFFER_MAX_TAG_BYTES)};
	qsort(ret_spans, n, sizeof(*ret_spans), compare_spans);
	for (size_t i = 0; i < n; i++)
		if (!i || compare_spans(&ret_spans[n_distinct - 1], &ret_spans[i]))
			ret_spans[n_distinct++] = ret_spans[i];
	return n_distinct;
}

static int append_set(struct tag_buffer *buffer, const uint32_t *positions, size_t n)
{
	int result;

	if (!has_room(buffer, 2 + 4 * n))
		return -ENOSPC;
	result = append_le(buffer->footer, (uint32_t)n, 2);
	for (size_t i = 0; i < n && !result; i++)
		result = append_le(buffer->footer, positions[i], 4);
	return result;
}

static int add_set(struct tag_buffer *buffer, const uint32_t *positions, size_t n,
		   int32_t *ret_index)
{
	size_t size = n * sizeof(*positions);
	uint32_t index = (uint32_t)evbuffer_get_length(buffer->footer);
	struct known *known = find_known(buffer->known_sets, positions, size);
	int result;

	if (known) {
		*ret_index = (int32_t)known->position;
		return 0;
	}
	result = append_set(buffer, positions, n);
	if (!result)
		result = add_known(&buffer->known_sets, positions, size, index);
	if (!result)
		*ret_index = (int32_t)index;
	return result;
}

int tag_buffer_add(struct tag_buffer *buffer, const char *const *tags, size_t n,
		   int32_t *ret_index)
{
	CLEANUP_FREE struct span *spans = NULL;
	CLEANUP_FREE uint32_t *positions = NULL;
	size_t n_distinct;
	int result = 0;

	if (!n) {
		*ret_index = TAG_BUFFER_NONE;
		return 0;
	}
	spans = calloc(n, sizeof(*spans));
	positions = calloc(n, sizeof(*positions));
	if (!spans || !positions)
		return -ENOMEM;
	n_distinct = normalize(tags, n, spans);
	if (n_distinct > TAG_BUFFER_MAX_TAGS)
		n_distinct = TAG_BUFFER_MAX_TAGS;
	for (size_t i = 0; i < n_distinct && !result; i++)
		result = add_tag(buffer, spans[i], &positions[i]);
	return result ? result : add_set(buffer, positions, n_distinct, ret_index);
}

static void write_le32(uint8_t *to, size_t number)
{
	for (size_t i = 0; i < 4; i++)
		to[i] = (uint8_t)(number >> (8 * i));
}

int tag_buffer_encode(const struct tag_buffer *buffer, uint8_t **ret_bytes, size_t *ret_size)
{
	size_t tags_size = evbuffer_get_length(buffer->tags);
	size_t footer_size = evbuffer_get_length(buffer->footer);
	uint8_t *bytes = malloc(HEADER_BYTES + tags_size + footer_size);

	if (!bytes)
		return -ENOMEM;
	bytes[0] = VERSION;
	write_le32(bytes + 1, HEADER_BYTES + tags_size);
	/* Cannot copy less: the lengths are the buffers' own. */
	(void)evbuffer_copyout(buffer->tags, bytes + HEADER_BYTES, tags_size);
	(void)evbuffer_copyout(buffer->footer, bytes + HEADER_BYTES + tags_size, footer_size);
	*ret_bytes = bytes;
	*ret_size = HEADER_BYTES + tags_size + footer_size;
	return 0;
}

uint32_t tag_buffer_checksum(const char *const *tags, size_t n)
{
	uint32_t checksum = 0;

	for (size_t i = 0; i < n; i++)
		checksum ^= murmur3_32(tags[i], strlen(tags[i]));
	return checksum;
}
