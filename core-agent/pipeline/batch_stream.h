/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Decoder of the probe's response bodies (proto/sysprobe.proto): Batch messages,
 * each preceded by its size as an unsigned LEB128 varint. Fed in pieces of any
 * size; never holds more than one message. Pure: no I/O, no log.
 */

#include <stddef.h>
#include <stdint.h>

#include "sysprobe.pb-c.h"

#define BATCH_STREAM_MAX_MESSAGE_BYTES (1024 * 1024)
#define BATCH_STREAM_MAX_DECODED_BYTES (4 * 1024 * 1024) /* of one message, unpacked */
#define BATCH_STREAM_MAX_RECORDS 1000			 /* in one batch */
#define BATCH_STREAM_INSTANCE_BYTES 16

struct batch_stream;

/*
 * Called for each batch, in order; `batch` is valid during the call only. The
 * first batch of a stream has a header with a whole instance id, no other has
 * one. Negative stops the stream: batch_stream_feed() returns it.
 */
typedef int (*batch_stream_on_batch)(const Sysprobe__V1__Batch *batch, void *context);

/* `max_bytes` is the most that the whole stream may have. NULL: out of memory. */
struct batch_stream *batch_stream_new(uint64_t max_bytes, batch_stream_on_batch on_batch,
				      void *context);
void batch_stream_free(struct batch_stream *stream);

/*
 * 0, -EMSGSIZE (a limit above is passed), -EBADMSG (not such a stream: bad
 * varint or protobuf, header missing or repeated, bytes after the trailer, its
 * record count is wrong), -ENOMEM, or what `on_batch` returned. An error is
 * final: every later call returns it again.
 */
int batch_stream_feed(struct batch_stream *stream, const void *bytes, size_t size);

/* The body has ended. 0 when a trailer had come, -ENODATA when not, or feed()'s error. */
int batch_stream_finish(const struct batch_stream *stream);
