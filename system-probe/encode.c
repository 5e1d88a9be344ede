/* SPDX-License-Identifier: Apache-2.0 */
#include "encode.h"

#include <errno.h>
#include <string.h>

#include "drop_reason.h"
#include "utf8.h"
#include "wire.h"

/* Field numbers are those of proto/sysprobe.proto; test_encode.c holds them to it. */

static ssize_t written(const struct wire *wire, const uint8_t *out)
{
	return wire->is_full ? -EMSGSIZE : wire->next - out;
}

size_t encode_frame_size(size_t size, uint8_t out[ENCODE_FRAME_SIZE_MAX_BYTES])
{
	uint8_t bytes[WIRE_VARINT_MAX_BYTES];
	struct wire wire = wire_begin(bytes, sizeof(bytes));
	size_t n;

	wire_put_varint(&wire, (uint32_t)size);
	n = (size_t)(wire.next - bytes);
	memcpy(out, bytes, n);
	return n;
}

size_t encode_member_head(enum batch_member member, size_t size,
			  uint8_t out[ENCODE_MEMBER_HEAD_MAX_BYTES])
{
	const uint8_t length_delimited = 2;

	out[0] = (uint8_t)(member << 3 | length_delimited);
	return 1 + encode_frame_size(size, out + 1);
}

static void put_counters(struct wire *wire, const struct sp_counters *counters,
			 uint64_t retransmits)
{
	wire_put_uint(wire, 1, counters->bytes_sent);
	wire_put_uint(wire, 2, counters->bytes_received);
	wire_put_uint(wire, 3, counters->packets_sent);
	wire_put_uint(wire, 4, counters->packets_received);
	wire_put_uint(wire, 5, retransmits);
}

static void put_before(struct wire *wire, const struct sp_connection *c)
{
	uint8_t bytes[64];
	struct wire counters = wire_begin(bytes, sizeof(bytes));

	put_counters(&counters, &c->before, c->retransmits_before);
	wire_put_message(wire, 27, bytes, (size_t)(counters.next - bytes));
}

/* For a field of type string; a reader may refuse all of a stream for one bad byte. */
static void put_text(struct wire *wire, unsigned int field, const char *text, size_t size)
{
	wire_put_bytes(wire, field, text, size);
	if (!wire->is_full)
		utf8_replace_invalid(wire->next - size, size);
}

static void put_tuple(struct wire *wire, const struct sp_tuple *tuple)
{
	size_t address_size = tuple->family == SP_IPV4 ? 4 : 16;

	wire_put_uint(wire, 2, tuple->protocol);
	wire_put_uint(wire, 3, tuple->family);
	wire_put_bytes(wire, 4, tuple->local, address_size);
	wire_put_uint(wire, 5, tuple->local_port);
	wire_put_bytes(wire, 6, tuple->remote, address_size);
	wire_put_uint(wire, 7, tuple->remote_port);
}

static void put_totals(struct wire *wire, const struct sp_connection *c)
{
	wire_put_uint(wire, SP_FIELD_BYTES_SENT, c->counters.bytes_sent);
	wire_put_uint(wire, SP_FIELD_BYTES_RECEIVED, c->counters.bytes_received);
	wire_put_uint(wire, SP_FIELD_PACKETS_SENT, c->counters.packets_sent);
	wire_put_uint(wire, SP_FIELD_PACKETS_RECEIVED, c->counters.packets_received);
	wire_put_uint(wire, SP_FIELD_RETRANSMITS, c->retransmits);
}

static void put_quality(struct wire *wire, const struct sp_connection *c)
{
	const struct sp_quality *q = &c->quality;

	wire_put_uint(wire, SP_FIELD_MIN_RTT_US, q->min_rtt_us);
	wire_put_uint(wire, 29, c->accepted_ns);
	wire_put_uint(wire, SP_FIELD_RETRANSMITS_TIMEOUT, q->retransmits_timeout);
	wire_put_uint(wire, SP_FIELD_RETRANSMITS_FAST, q->retransmits_fast);
	wire_put_uint(wire, SP_FIELD_RETRANSMITS_PROBE, q->retransmits_probe);
	wire_put_uint(wire, SP_FIELD_REORDERINGS, q->reorderings);
	wire_put_uint(wire, SP_FIELD_OUT_OF_ORDER, q->out_of_order);
	wire_put_uint(wire, SP_FIELD_ECN, q->ecn);
	wire_put_uint(wire, SP_FIELD_DELIVERED_CE, q->delivered_ce);
	wire_put_uint(wire, SP_FIELD_ZERO_WINDOW_PROBES, q->zero_window_probes);
	wire_put_uint(wire, SP_FIELD_LOST, q->lost);
	wire_put_uint(wire, SP_FIELD_CWND, q->cwnd);
	wire_put_uint(wire, SP_FIELD_DELIVERY_RATE, q->delivery_bytes_per_s);
	wire_put_uint(wire, SP_FIELD_RESET_SENT, q->reset_sent);
	wire_put_uint(wire, SP_FIELD_RESET_RECEIVED, q->reset_received);
	wire_put_uint(wire, 43, q->closed_first);
	wire_put_uint(wire, SP_FIELD_TCP_STATE, q->tcp_state);
}

static void put_listener(struct wire *wire, const struct sp_listener *listener)
{
	wire_put_uint(wire, SP_FIELD_ACCEPT_QUEUE, listener->accept_queue);
	wire_put_uint(wire, SP_FIELD_ACCEPT_QUEUE_MAX, listener->accept_queue_max);
	wire_put_uint(wire, SP_FIELD_DROPPED_ATTEMPTS, listener->dropped_attempts);
	wire_put_uint(wire, SP_FIELD_SYNACK_RETRANSMITS, listener->synack_retransmits);
}

static void put_drops(struct wire *wire, const struct sp_drop drops[SP_MAX_DROP_REASONS])
{
	uint8_t bytes[ENCODE_DROP_MAX_BYTES];

	for (size_t i = 0; i < SP_MAX_DROP_REASONS && drops[i].packets; i++) {
		struct wire drop = wire_begin(bytes, sizeof(bytes));
		const char *reason = drop_reason_name(drops[i].reason);

		wire_put_bytes(&drop, 1, reason, strlen(reason));
		wire_put_uint(&drop, 2, drops[i].packets);
		wire->is_full |= drop.is_full;
		wire_put_message(wire, 50, bytes, (size_t)(drop.next - bytes));
	}
}

ssize_t encode_connection(const struct sp_connection *c, uint64_t sequence, uint8_t *out,
			  size_t capacity)
{
	struct wire wire = wire_begin(out, capacity);

	wire_put_uint(&wire, 1, c->id);
	put_tuple(&wire, &c->tuple);
	wire_put_uint(&wire, 8, c->owner.netns);
	wire_put_uint(&wire, 9, c->role);
	wire_put_uint(&wire, 10, c->state);
	wire_put_uint(&wire, 11, c->error);
	wire_put_uint(&wire, 12, c->owner.tgid);
	wire_put_uint(&wire, 13, c->owner.process_start_ns);
	put_text(&wire, 14, c->owner.comm, strnlen(c->owner.comm, SP_COMM_SIZE));
	wire_put_uint(&wire, 15, c->owner.cgroup_id);
	put_totals(&wire, c);
	wire_put_uint(&wire, 21, c->rtt_us);
	wire_put_uint(&wire, 22, c->rtt_var_us);
	wire_put_uint(&wire, 23, c->started_ns);
	wire_put_uint(&wire, 24, c->established_ns);
	wire_put_uint(&wire, 25, c->closed_ns);
	wire_put_uint(&wire, 26, sequence);
	if (c->is_adopted)
		put_before(&wire, c);
	put_quality(&wire, c);
	wire_put_uint(&wire, 45, c->owner_is_listener);
	put_listener(&wire, &c->listener);
	put_drops(&wire, c->drops);
	wire_put_uint(&wire, 51, c->known);
	return written(&wire, out);
}

static void put_environment(struct wire *wire, const char *at, size_t size)
{
	while (size > 0) { /* without any, `at` may be NULL */
		size_t entry_size = strnlen(at, size);

		wire_put_bytes(wire, 14, at, entry_size);
		if (entry_size == size)
			return;
		at += entry_size + 1;
		size -= entry_size + 1;
	}
}

ssize_t encode_process(const struct process_record *record, uint8_t *out, size_t capacity)
{
	struct wire wire = wire_begin(out, capacity);

	wire_put_uint(&wire, 1, record->event);
	wire_put_uint(&wire, 2, record->tgid);
	wire_put_uint(&wire, 3, record->parent_tgid);
	wire_put_uint(&wire, 4, record->start_ns);
	wire_put_uint(&wire, 5, record->time_ns);
	wire_put_uint(&wire, 6, record->uid);
	put_text(&wire, 7, record->comm, strlen(record->comm));
	wire_put_bytes(&wire, 8, record->executable, record->executable_size);
	wire_put_bytes(&wire, 9, record->command_line, record->command_line_size);
	wire_put_uint(&wire, 10, record->is_command_line_cut);
	wire_put_uint(&wire, 11, record->cgroup_id);
	wire_put_bytes(&wire, 12, record->cgroup_name, strlen(record->cgroup_name));
	wire_put_uint(&wire, 13, record->sequence);
	wire_put_uint(&wire, 15, record->is_forked_only);
	put_environment(&wire, record->environment, record->environment_size);
	return written(&wire, out);
}

static void put_overflow(struct wire *wire, unsigned int field, const char *cause,
			 const struct sp_overflow *sum)
{
	uint8_t bytes[ENCODE_OVERFLOW_MAX_BYTES];
	struct wire message = wire_begin(bytes, sizeof(bytes));

	wire_put_bytes(&message, 1, cause, strlen(cause));
	wire_put_uint(&message, 2, sum->connections);
	wire_put_uint(&message, 3, sum->counters.bytes_sent);
	wire_put_uint(&message, 4, sum->counters.bytes_received);
	wire_put_uint(&message, 5, sum->counters.packets_sent);
	wire_put_uint(&message, 6, sum->counters.packets_received);
	wire_put_uint(&message, 7, sum->retransmits);
	wire->is_full |= message.is_full;
	wire_put_message(wire, field, bytes, (size_t)(message.next - bytes));
}

/* A Batch whose one member is `message`, with its size in front. */
static ssize_t put_framed(unsigned int field, const struct wire *message, const uint8_t *bytes,
			  uint8_t *out, size_t capacity)
{
	uint8_t batch[ENCODE_EDGE_MAX_BYTES];
	struct wire inner = wire_begin(batch, sizeof(batch));
	struct wire outer = wire_begin(out, capacity);

	if (message->is_full)
		return -EMSGSIZE;
	wire_put_message(&inner, field, bytes, (size_t)(message->next - bytes));
	if (inner.is_full)
		return -EMSGSIZE;
	wire_put_varint(&outer, (uint64_t)(inner.next - batch));
	if ((size_t)(outer.end - outer.next) < (size_t)(inner.next - batch) || outer.is_full)
		return -EMSGSIZE;
	memcpy(outer.next, batch, (size_t)(inner.next - batch));
	outer.next += inner.next - batch;
	return written(&outer, out);
}

ssize_t encode_header_batch(const struct stream_header *header, uint8_t *out, size_t capacity)
{
	uint8_t bytes[ENCODE_EDGE_MAX_BYTES];
	struct wire wire = wire_begin(bytes, sizeof(bytes));

	wire_put_bytes(&wire, 1, header->instance_id, 16);
	wire_put_uint(&wire, 2, header->now_boottime_ns);
	wire_put_uint(&wire, 3, header->now_unix_ns);
	wire_put_bytes(&wire, 4, header->tier, strlen(header->tier));
	wire_put_uint(&wire, 5, header->first_sequence);
	wire_put_bytes(&wire, 6, header->boot_id, 16);
	return put_framed(1, &wire, bytes, out, capacity);
}

ssize_t encode_trailer_batch(const struct stream_trailer *trailer, uint8_t *out, size_t capacity)
{
	uint8_t bytes[ENCODE_EDGE_MAX_BYTES];
	struct wire wire = wire_begin(bytes, sizeof(bytes));

	if (trailer->n_overflow > SP_N_OVERFLOW_CAUSES)
		return -EMSGSIZE;
	wire_put_uint(&wire, 1, trailer->n_records);
	wire_put_uint(&wire, 2, trailer->next_sequence);
	for (size_t i = 0; i < trailer->n_overflow; i++)
		put_overflow(&wire, 3, trailer->overflow[i].cause, &trailer->overflow[i].sum);
	if (trailer->before_next)
		put_overflow(&wire, 4, "closed_log", trailer->before_next);
	return put_framed(4, &wire, bytes, out, capacity);
}
