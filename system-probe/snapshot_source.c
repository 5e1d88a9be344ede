/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Live connections, from the kernel's iterators straight into batches. No copy of all
 * of them ever exists here.
 */

#include <errno.h>
#include <stdlib.h>

#include "batch_source.h"
#include "batch_writer.h"
#include "live_reader.h"
#include "probe.h"

enum phase { PHASE_HEADER, PHASE_LIVE, PHASE_TRAILER, PHASE_END };

struct snapshot_source {
	struct batch_source base;
	struct probe *probe;
	struct batch_writer writer;
	struct live_reader *live; /* owned */
	enum phase phase;
};

static int add_records(struct snapshot_source *source, const struct sp_connection *records, int n,
		       struct evbuffer *out)
{
	uint8_t bytes[ENCODE_CONNECTION_MAX_BYTES];
	int r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		ssize_t size = encode_connection(&records[i], 0, bytes, sizeof(bytes));

		source->probe->has_unnamed_workers |= records[i].owner_is_listener;
		if (size < 0) {
			source->probe->counters.n_encode_errors++;
			continue;
		}
		if (batch_writer_is_full(&source->writer))
			r = batch_writer_flush(&source->writer, out);
		if (r == 0)
			r = batch_writer_add(&source->writer, BATCH_CONNECTION, bytes, (size_t)size);
	}
	return r;
}

/* One read of the kernel's: some batches, or the end. */
static int add_some(struct snapshot_source *source, struct evbuffer *out)
{
	const struct sp_connection *records;
	int n = live_reader_read(source->live, &records);

	if (n == 0)
		source->phase++;
	if (n <= 0)
		return n;
	return add_records(source, records, n, out);
}

static int next(struct batch_source *base, struct evbuffer *out)
{
	struct snapshot_source *source = (struct snapshot_source *)base;
	int r;

	switch (source->phase) {
	case PHASE_HEADER:
		source->phase = PHASE_LIVE;
		r = batch_write_header(source->probe, 0, out);
		return r < 0 ? r : 1;
	case PHASE_LIVE:
		r = add_some(source, out);
		if (r == 0)
			r = batch_writer_flush(&source->writer, out);
		return r < 0 ? r : 1;
	case PHASE_TRAILER:
		source->phase = PHASE_END;
		r = batch_write_trailer(source->probe, source->writer.n_total, 0, NULL, out);
		return r < 0 ? r : 1;
	default:
		return 0;
	}
}

static void source_free(struct batch_source *base)
{
	struct snapshot_source *source = (struct snapshot_source *)base;

	batch_writer_deinit(&source->writer);
	live_reader_free(source->live);
	free(source);
}

struct batch_source *snapshot_source_new(struct probe *probe)
{
	struct snapshot_source *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->base = (struct batch_source){ next, source_free };
	source->probe = probe;
	probe_find_workers(probe);
	probe->has_unnamed_workers = false;
	source->live = live_reader_new(probe->capture);
	if (!source->live || batch_writer_init(&source->writer) < 0) {
		errno = ENOMEM;
		source_free(&source->base);
		return NULL;
	}
	return &source->base;
}
