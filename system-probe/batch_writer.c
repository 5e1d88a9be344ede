/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_writer.h"

#include <errno.h>
#include <event2/buffer.h>

#include "probe.h"

int batch_writer_init(struct batch_writer *writer)
{
	*writer = (struct batch_writer){ .members = evbuffer_new() };
	return writer->members ? 0 : -ENOMEM;
}

void batch_writer_deinit(struct batch_writer *writer)
{
	if (writer->members)
		evbuffer_free(writer->members);
	writer->members = NULL;
}

bool batch_writer_is_full(const struct batch_writer *writer)
{
	return writer->n_records >= BATCH_MAX_RECORDS;
}

int batch_writer_add(struct batch_writer *writer, enum batch_member member, const uint8_t *bytes,
		     size_t size)
{
	uint8_t head[ENCODE_MEMBER_HEAD_MAX_BYTES];
	size_t head_size = encode_member_head(member, size, head);

	if (evbuffer_add(writer->members, head, head_size) < 0 ||
	    evbuffer_add(writer->members, bytes, size) < 0)
		return -ENOMEM;
	writer->n_records++;
	writer->n_total++;
	return 0;
}

int batch_writer_flush(struct batch_writer *writer, struct evbuffer *out)
{
	uint8_t frame[ENCODE_FRAME_SIZE_MAX_BYTES];
	size_t size = evbuffer_get_length(writer->members);

	if (writer->n_records == 0)
		return 0;
	writer->n_records = 0;
	if (evbuffer_add(out, frame, encode_frame_size(size, frame)) < 0 ||
	    evbuffer_add_buffer(out, writer->members) < 0)
		return -ENOMEM;
	return 0;
}

static int add_edge(struct evbuffer *out, const uint8_t *bytes, ssize_t size)
{
	if (size < 0)
		return (int)size;
	return evbuffer_add(out, bytes, (size_t)size) < 0 ? -ENOMEM : 0;
}

int batch_write_header(const struct probe *probe, uint64_t first_sequence, struct evbuffer *out)
{
	uint8_t bytes[ENCODE_EDGE_MAX_BYTES];
	struct stream_header header = {
		.instance_id = probe->instance_id,
		.boot_id = probe->boot_id,
		.now_boottime_ns = probe->drained_boottime_ns,
		.now_unix_ns = probe->drained_unix_ns,
		.tier = tier_name(capture_tier(probe->capture)),
		.first_sequence = first_sequence,
	};

	return add_edge(out, bytes, encode_header_batch(&header, bytes, sizeof(bytes)));
}

int batch_write_trailer(const struct probe *probe, uint64_t n_records, uint64_t next_sequence,
			const struct sp_overflow *before_next, struct evbuffer *out)
{
	uint8_t bytes[ENCODE_EDGE_MAX_BYTES];
	struct sp_overflow sums[SP_N_OVERFLOW_CAUSES];
	struct named_overflow named[SP_N_OVERFLOW_CAUSES];
	struct stream_trailer trailer = {
		.n_records = n_records,
		.next_sequence = next_sequence,
		.before_next = before_next,
		.overflow = named,
		.n_overflow = SP_N_OVERFLOW_CAUSES,
	};

	capture_get_overflow(probe->capture, sums);
	for (int i = 0; i < SP_N_OVERFLOW_CAUSES; i++)
		named[i] = (struct named_overflow){ capture_overflow_name(i), sums[i] };
	return add_edge(out, bytes, encode_trailer_batch(&trailer, bytes, sizeof(bytes)));
}
