/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Puts one Batch together from encoded members. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encode.h"

#define BATCH_MAX_RECORDS 1000

struct evbuffer;
struct probe;

struct batch_writer {
	struct evbuffer *members; /* owned */
	size_t n_records;
	uint64_t n_total; /* over all batches of the stream */
};

/* 0 or -ENOMEM. */
int batch_writer_init(struct batch_writer *writer);
void batch_writer_deinit(struct batch_writer *writer);

bool batch_writer_is_full(const struct batch_writer *writer);

/* 0 or -ENOMEM. */
int batch_writer_add(struct batch_writer *writer, enum batch_member member, const uint8_t *bytes,
		     size_t size);

/* Move what was added to `out` as one batch; nothing when there is nothing. 0 or -ENOMEM. */
int batch_writer_flush(struct batch_writer *writer, struct evbuffer *out);

/*
 * The first and the last batch; `first_sequence` and `next_sequence` are 0 outside
 * logs, the sum NULL outside the closed log. 0 or -ENOMEM.
 */
int batch_write_header(const struct probe *probe, uint64_t first_sequence, struct evbuffer *out);
int batch_write_trailer(const struct probe *probe, uint64_t n_records, uint64_t next_sequence,
			const struct sp_overflow *before_next, struct evbuffer *out);
