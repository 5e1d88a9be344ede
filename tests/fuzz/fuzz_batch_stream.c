/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a broken probe might send, in pieces whose sizes the first byte decides.
 * The same bytes fed at once must give the same batches and the same result. Each
 * record is converted, which must give what the rest of the agent relies on.
 */
#include "pipeline/batch_stream.h"
#include "pipeline/convert.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void convert(const Sysprobe__V1__Connection *record)
{
	struct connection connection;

	if (convert_connection(record, 0, &connection) < 0)
		return;
	if (connection.id == 0 || connection.n_drops > CONNECTION_MAX_DROP_REASONS)
		abort();
	for (size_t i = 0; i < connection.n_drops; i++)
		if (!strlen(connection.drops[i].reason))
			abort();
}

static int count_batch(const Sysprobe__V1__Batch *batch, void *context)
{
	size_t *n_batches = context;

	if (batch->n_connections > BATCH_STREAM_MAX_RECORDS ||
	    batch->n_processes > BATCH_STREAM_MAX_RECORDS)
		abort();
	for (size_t i = 0; i < batch->n_connections; i++)
		convert(batch->connections[i]);
	*n_batches += 1 + batch->n_connections + batch->n_processes;
	return 0;
}

static int decode(const uint8_t *data, size_t size, size_t piece, size_t *ret_n)
{
	struct batch_stream *stream = batch_stream_new(MAX_BYTES, count_batch, ret_n);
	int r;

	if (!stream)
		abort();
	for (size_t i = 0; i < size; i += piece)
		(void)batch_stream_feed(stream, data + i, size - i < piece ? size - i : piece);
	r = batch_stream_finish(stream);
	batch_stream_free(stream);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n_whole = 0, n_pieces = 0;
	size_t piece = size > 0 ? (size_t)data[0] % 17 + 1 : 1;

	/* Beyond the total the two may differ in how much they saw before the limit. */
	if (size <= 1 || size > MAX_BYTES)
		return 0;
	if (decode(data + 1, size - 1, size - 1, &n_whole) !=
	    decode(data + 1, size - 1, piece, &n_pieces))
		abort();
	if (n_whole != n_pieces)
		abort();
	return 0;
}
