/* SPDX-License-Identifier: Apache-2.0 */
#include "encode.h"

#include <errno.h>
#include <string.h>

#include "sysprobe.pb-c.h"

static size_t put_varint(uint64_t value, uint8_t *out)
{
	size_t n = 0;

	while (value >= 0x80) {
		out[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[n++] = (uint8_t)value;
	return n;
}

size_t encode_frame_size(size_t size, uint8_t out[ENCODE_FRAME_SIZE_MAX_BYTES])
{
	return put_varint((uint32_t)size, out);
}

size_t encode_member_head(enum batch_member member, size_t size,
			  uint8_t out[ENCODE_MEMBER_HEAD_MAX_BYTES])
{
	const uint8_t length_delimited = 2;

	out[0] = (uint8_t)(member << 3 | length_delimited);
	return 1 + put_varint((uint32_t)size, out + 1);
}

static ssize_t pack(const ProtobufCMessage *message, uint8_t *out, size_t capacity)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	if (size > capacity)
		return -EMSGSIZE;
	return (ssize_t)protobuf_c_message_pack(message, out);
}

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
	return (ProtobufCBinaryData){ .data = (uint8_t *)data, .len = size };
}

static void set_before(Sysprobe__V1__Counters *message, const struct sp_connection *c)
{
	sysprobe__v1__counters__init(message);
	message->bytes_sent = c->before.bytes_sent;
	message->bytes_received = c->before.bytes_received;
	message->packets_sent = c->before.packets_sent;
	message->packets_received = c->before.packets_received;
	message->retransmits = c->retransmits_before;
}

ssize_t encode_connection(const struct sp_connection *c, uint64_t sequence, uint8_t *out,
			  size_t capacity)
{
	size_t address_size = c->tuple.family == SP_IPV4 ? 4 : 16;
	char comm[SP_COMM_SIZE + 1] = "";
	Sysprobe__V1__Connection message = SYSPROBE__V1__CONNECTION__INIT;
	Sysprobe__V1__Counters before;

	memcpy(comm, c->owner.comm, SP_COMM_SIZE);
	message.id = c->id;
	message.protocol = (Sysprobe__V1__Protocol)c->tuple.protocol;
	message.family = (Sysprobe__V1__Family)c->tuple.family;
	message.local_address = bytes(c->tuple.local, address_size);
	message.remote_address = bytes(c->tuple.remote, address_size);
	message.local_port = c->tuple.local_port;
	message.remote_port = c->tuple.remote_port;
	message.netns = c->owner.netns;
	message.role = (Sysprobe__V1__Role)c->role;
	message.state = (Sysprobe__V1__State)c->state;
	message.error = c->error;
	message.tgid = c->owner.tgid;
	message.process_start_ns = c->owner.process_start_ns;
	message.comm = comm;
	message.cgroup_id = c->owner.cgroup_id;
	message.bytes_sent = c->counters.bytes_sent;
	message.bytes_received = c->counters.bytes_received;
	message.packets_sent = c->counters.packets_sent;
	message.packets_received = c->counters.packets_received;
	message.retransmits = c->retransmits;
	message.rtt_us = c->rtt_us;
	message.rtt_var_us = c->rtt_var_us;
	message.started_ns = c->started_ns;
	message.established_ns = c->established_ns;
	message.closed_ns = c->closed_ns;
	message.sequence = sequence;
	set_before(&before, c);
	if (c->is_adopted)
		message.before_probe = &before;
	return pack(&message.base, out, capacity);
}

ssize_t encode_process(const struct process_record *record, uint8_t *out, size_t capacity)
{
	Sysprobe__V1__Process message = SYSPROBE__V1__PROCESS__INIT;

	message.event = (Sysprobe__V1__Process__Event)record->event;
	message.tgid = record->tgid;
	message.parent_tgid = record->parent_tgid;
	message.start_ns = record->start_ns;
	message.time_ns = record->time_ns;
	message.uid = record->uid;
	message.comm = (char *)record->comm;
	message.executable = bytes(record->executable, record->executable_size);
	message.command_line = bytes(record->command_line, record->command_line_size);
	message.command_line_cut = record->is_command_line_cut;
	message.cgroup_id = record->cgroup_id;
	message.cgroup_name = bytes(record->cgroup_name, strlen(record->cgroup_name));
	message.sequence = record->sequence;
	return pack(&message.base, out, capacity);
}

static void set_overflow(Sysprobe__V1__Overflow *message, const char *cause,
			 const struct sp_overflow *sum)
{
	sysprobe__v1__overflow__init(message);
	message->cause = (char *)cause;
	message->connections = sum->connections;
	message->bytes_sent = sum->counters.bytes_sent;
	message->bytes_received = sum->counters.bytes_received;
	message->packets_sent = sum->counters.packets_sent;
	message->packets_received = sum->counters.packets_received;
	message->retransmits = sum->retransmits;
}

static ssize_t pack_framed(const Sysprobe__V1__Batch *batch, uint8_t *out, size_t capacity)
{
	size_t size = protobuf_c_message_get_packed_size(&batch->base);
	uint8_t frame[ENCODE_FRAME_SIZE_MAX_BYTES];
	size_t frame_size = encode_frame_size(size, frame);

	if (capacity < frame_size || capacity - frame_size < size)
		return -EMSGSIZE;
	memcpy(out, frame, frame_size);
	return (ssize_t)(frame_size + protobuf_c_message_pack(&batch->base, out + frame_size));
}

ssize_t encode_header_batch(const struct stream_header *header, uint8_t *out, size_t capacity)
{
	Sysprobe__V1__Batch batch = SYSPROBE__V1__BATCH__INIT;
	Sysprobe__V1__Header message = SYSPROBE__V1__HEADER__INIT;

	message.instance_id = bytes(header->instance_id, 16);
	message.now_boottime_ns = header->now_boottime_ns;
	message.now_unix_ns = header->now_unix_ns;
	message.tier = (char *)header->tier;
	message.first_sequence = header->first_sequence;
	message.boot_id = bytes(header->boot_id, 16);
	batch.header = &message;
	return pack_framed(&batch, out, capacity);
}

ssize_t encode_trailer_batch(const struct stream_trailer *trailer, uint8_t *out, size_t capacity)
{
	Sysprobe__V1__Batch batch = SYSPROBE__V1__BATCH__INIT;
	Sysprobe__V1__Trailer message = SYSPROBE__V1__TRAILER__INIT;
	Sysprobe__V1__Overflow overflow[SP_N_OVERFLOW_CAUSES];
	Sysprobe__V1__Overflow *pointers[SP_N_OVERFLOW_CAUSES];
	Sysprobe__V1__Overflow before_next;

	if (trailer->n_overflow > SP_N_OVERFLOW_CAUSES)
		return -EMSGSIZE;
	for (size_t i = 0; i < trailer->n_overflow; i++) {
		set_overflow(&overflow[i], trailer->overflow[i].cause, &trailer->overflow[i].sum);
		pointers[i] = &overflow[i];
	}
	message.n_records = trailer->n_records;
	message.next_sequence = trailer->next_sequence;
	message.n_overflow = trailer->n_overflow;
	message.overflow = pointers;
	if (trailer->before_next) {
		set_overflow(&before_next, "closed_log", trailer->before_next);
		message.before_next = &before_next;
	}
	batch.trailer = &message;
	return pack_framed(&batch, out, capacity);
}
