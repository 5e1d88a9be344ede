/* SPDX-License-Identifier: Apache-2.0 */

/* The closed-connection log and the process log, from a number on, as batches. */

#include <stdbool.h>
#include <stdlib.h>

#include "batch_source.h"
#include "batch_writer.h"
#include "probe.h"

enum phase { PHASE_HEADER, PHASE_TABLE, PHASE_LOG, PHASE_TRAILER, PHASE_END };

struct log_source {
	struct batch_source base;
	struct probe *probe;
	struct batch_writer writer;
	enum phase phase;
	enum batch_member member;
	uint64_t sequence; /* next to send */
	uint64_t end_sequence; /* the log's next when the stream began: new ones wait */
	struct sp_overflow before_end; /* of the closed log */
	uint32_t last_tgid; /* of the process table */
	bool sends_table;   /* of living processes, before the log */
	int (*get)(const struct probe *probe, uint64_t sequence, struct record_log_entry *entry);
};

static int get_closed(const struct probe *probe, uint64_t sequence, struct record_log_entry *entry)
{
	return closed_log_get(probe->closed_log, sequence, entry);
}

static int get_process(const struct probe *probe, uint64_t sequence, struct record_log_entry *entry)
{
	return process_log_get(probe->process_log, sequence, entry);
}

static int write_header(struct log_source *source, struct evbuffer *out)
{
	const struct probe *probe = source->probe;

	if (source->member == BATCH_CONNECTION)
		return batch_write_header(probe, closed_log_first_sequence(probe->closed_log), out);
	return batch_write_header(probe, process_log_first_sequence(probe->process_log), out);
}

static int fill_from_table(struct log_source *source)
{
	struct record_log_entry entry;
	int r = 0;

	while (r == 0 && !batch_writer_is_full(&source->writer)) {
		source->last_tgid = process_log_next_alive(source->probe->process_log,
							   source->last_tgid, &entry);
		if (source->last_tgid == 0) {
			source->phase = PHASE_LOG;
			break;
		}
		r = batch_writer_add(&source->writer, source->member, entry.bytes, entry.size);
	}
	return r;
}

/* A record that gave way while the stream ran is missing from its sum: see before_next. */
static int fill_from_log(struct log_source *source)
{
	struct record_log_entry entry;
	int r = 0;

	while (r == 0 && !batch_writer_is_full(&source->writer)) {
		if (source->sequence >= source->end_sequence) {
			source->phase = PHASE_TRAILER;
			break;
		}
		if (source->get(source->probe, source->sequence++, &entry) < 0)
			continue;
		r = batch_writer_add(&source->writer, source->member, entry.bytes, entry.size);
	}
	return r;
}

static int next(struct batch_source *base, struct evbuffer *out)
{
	struct log_source *source = (struct log_source *)base;
	int r;

	switch (source->phase) {
	case PHASE_HEADER:
		source->phase = source->sends_table ? PHASE_TABLE : PHASE_LOG;
		r = write_header(source, out);
		return r < 0 ? r : 1;
	case PHASE_TABLE:
	case PHASE_LOG:
		r = source->phase == PHASE_TABLE ? fill_from_table(source) : fill_from_log(source);
		if (r == 0)
			r = batch_writer_flush(&source->writer, out);
		return r < 0 ? r : 1;
	case PHASE_TRAILER:
		source->phase = PHASE_END;
		r = batch_write_trailer(source->probe, source->writer.n_total, source->end_sequence,
					source->member == BATCH_CONNECTION ? &source->before_end :
									     NULL,
					out);
		return r < 0 ? r : 1;
	default:
		return 0;
	}
}

static void source_free(struct batch_source *base)
{
	struct log_source *source = (struct log_source *)base;

	batch_writer_deinit(&source->writer);
	free(source);
}

static struct log_source *source_new(struct probe *probe, enum batch_member member)
{
	struct log_source *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->base = (struct batch_source){ next, source_free };
	source->probe = probe;
	source->member = member;
	if (batch_writer_init(&source->writer) < 0) {
		free(source);
		return NULL;
	}
	return source;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

struct batch_source *closed_source_new(struct probe *probe, uint64_t from_sequence)
{
	struct log_source *source = source_new(probe, BATCH_CONNECTION);

	if (!source)
		return NULL;
	source->get = get_closed;
	source->end_sequence = closed_log_next_sequence(probe->closed_log);
	source->before_end = *closed_log_total(probe->closed_log);
	source->sequence = clamp(from_sequence, closed_log_first_sequence(probe->closed_log),
				 source->end_sequence);
	return &source->base;
}

/* A reader that starts, or that missed something, gets the living first. */
struct batch_source *process_source_new(struct probe *probe, uint64_t from_sequence)
{
	struct log_source *source = source_new(probe, BATCH_PROCESS);
	uint64_t first = process_log_first_sequence(probe->process_log);

	if (!source)
		return NULL;
	source->get = get_process;
	source->end_sequence = process_log_next_sequence(probe->process_log);
	source->sends_table = from_sequence <= 1 || from_sequence < first;
	source->sequence = clamp(from_sequence, first, source->end_sequence);
	return &source->base;
}
