/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A size below 2^21 (BATCH_STREAM_MAX_MESSAGE_BYTES) takes at most three bytes. */
#define MAX_VARINT_BYTES 3

/* Bounds what one message may unpack to: two bytes on the wire can ask for hundreds. */
struct budget {
	size_t n_bytes;
	bool is_exceeded;
};

struct batch_stream {
	batch_stream_on_batch on_batch;
	void *context;
	uint64_t bytes_left;
	uint64_t n_records;
	bool has_header;
	bool has_trailer;
	int error;

	uint32_t size; /* of the message, as far as its varint is read */
	unsigned int n_varint_bytes;
	bool has_size;
	uint8_t *message;
	size_t capacity;
	size_t n_filled;

	struct budget budget;
	ProtobufCAllocator allocator;
};

static void *budget_alloc(void *context, size_t size)
{
	struct budget *budget = context;
	size_t n_bytes;

	if (__builtin_add_overflow(budget->n_bytes, size, &n_bytes) ||
	    n_bytes > BATCH_STREAM_MAX_DECODED_BYTES) {
		budget->is_exceeded = true;
		return NULL;
	}
	budget->n_bytes = n_bytes;
	return malloc(size);
}

static void budget_free(void *context, void *pointer)
{
	(void)context;
	free(pointer);
}

struct batch_stream *batch_stream_new(uint64_t max_bytes, batch_stream_on_batch on_batch,
				      void *context)
{
	struct batch_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->bytes_left = max_bytes;
	stream->on_batch = on_batch;
	stream->context = context;
	stream->allocator = (ProtobufCAllocator){
		.alloc = budget_alloc, .free = budget_free, .allocator_data = &stream->budget};
	return stream;
}

void batch_stream_free(struct batch_stream *stream)
{
	if (!stream)
		return;
	free(stream->message);
	free(stream);
}

/* Header in the first batch and only there; the trailer counts right. */
static int check_batch(const struct batch_stream *stream, const Sysprobe__V1__Batch *batch)
{
	bool is_first = !stream->has_header;

	if (is_first != (batch->header != NULL))
		return -EBADMSG;
	if (is_first && batch->header->instance_id.len != BATCH_STREAM_INSTANCE_BYTES)
		return -EBADMSG;
	if (batch->n_connections > BATCH_STREAM_MAX_RECORDS ||
	    batch->n_processes > BATCH_STREAM_MAX_RECORDS)
		return -EMSGSIZE;
	if (batch->trailer && batch->trailer->n_records != stream->n_records +
								   batch->n_connections +
								   batch->n_processes)
		return -EBADMSG;
	return 0;
}

static int take_batch(struct batch_stream *stream, const Sysprobe__V1__Batch *batch)
{
	int r = check_batch(stream, batch);

	if (r < 0)
		return r;
	stream->n_records += batch->n_connections + batch->n_processes;
	stream->has_header = true;
	stream->has_trailer = batch->trailer != NULL;
	return stream->on_batch(batch, stream->context);
}

static int decode_message(struct batch_stream *stream)
{
	Sysprobe__V1__Batch *batch;
	int r;

	stream->budget = (struct budget){0};
	batch = sysprobe__v1__batch__unpack(&stream->allocator, stream->size, stream->message);
	if (!batch)
		return stream->budget.is_exceeded ? -EMSGSIZE : -EBADMSG;
	r = take_batch(stream, batch);
	sysprobe__v1__batch__free_unpacked(batch, &stream->allocator);
	return r;
}

/* One byte of the size; the message's buffer is made once the size is whole. */
static int take_size_byte(struct batch_stream *stream, uint8_t byte)
{
	if (stream->has_trailer)
		return -EBADMSG;
	stream->size |= (uint32_t)(byte & 0x7f) << (7 * stream->n_varint_bytes++);
	if (byte & 0x80)
		return stream->n_varint_bytes < MAX_VARINT_BYTES ? 0 : -EMSGSIZE;
	if (stream->size > BATCH_STREAM_MAX_MESSAGE_BYTES)
		return -EMSGSIZE;
	if (stream->size > stream->capacity) {
		free(stream->message);
		stream->message = malloc(stream->size);
		stream->capacity = stream->message ? stream->size : 0;
		if (!stream->message)
			return -ENOMEM;
	}
	stream->has_size = true;
	stream->n_filled = 0;
	return 0;
}

static size_t fill_message(struct batch_stream *stream, const uint8_t *bytes, size_t size)
{
	size_t n = stream->size - stream->n_filled;

	if (n > size)
		n = size;
	if (n)
		memcpy(stream->message + stream->n_filled, bytes, n);
	stream->n_filled += n;
	return n;
}

static int finish_message(struct batch_stream *stream)
{
	int r = decode_message(stream);

	stream->has_size = false;
	stream->size = 0;
	stream->n_varint_bytes = 0;
	return r;
}

static int take_bytes(struct batch_stream *stream, const uint8_t *bytes, size_t size)
{
	int r = 0;

	if (size > stream->bytes_left)
		return -EMSGSIZE;
	stream->bytes_left -= size;
	while (size > 0 && r == 0) {
		size_t n = 1;

		if (stream->has_size)
			n = fill_message(stream, bytes, size);
		else
			r = take_size_byte(stream, *bytes);
		bytes += n;
		size -= n;
		if (stream->has_size && stream->n_filled == stream->size)
			r = finish_message(stream);
	}
	return r;
}

int batch_stream_feed(struct batch_stream *stream, const void *bytes, size_t size)
{
	if (stream->error == 0)
		stream->error = take_bytes(stream, bytes, size);
	return stream->error;
}

int batch_stream_finish(const struct batch_stream *stream)
{
	if (stream->error < 0)
		return stream->error;
	return stream->has_trailer ? 0 : -ENODATA;
}
