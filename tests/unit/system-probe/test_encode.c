/* SPDX-License-Identifier: Apache-2.0 */
#include "encode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sp_fixture.h"
#include "sysprobe.pb-c.h"
#include "wire.h"

static Sysprobe__V1__Connection *through_connection(const struct sp_connection *connection,
						     uint64_t sequence)
{
	uint8_t out[ENCODE_CONNECTION_MAX_BYTES];
	ssize_t size = encode_connection(connection, sequence, out, sizeof(out));
	Sysprobe__V1__Connection *message;

	assert_true(size > 0);
	message = sysprobe__v1__connection__unpack(NULL, (size_t)size, out);
	assert_non_null(message);
	return message;
}

static Sysprobe__V1__Process *through_process(const struct process_record *record)
{
	uint8_t out[ENCODE_PROCESS_MAX_BYTES];
	ssize_t size = encode_process(record, out, sizeof(out));
	Sysprobe__V1__Process *message;

	assert_true(size > 0);
	message = sysprobe__v1__process__unpack(NULL, (size_t)size, out);
	assert_non_null(message);
	return message;
}

/* Size of the frame's number, whose value must be what follows it. */
static size_t check_frame(const uint8_t *bytes, size_t size)
{
	size_t value = 0, n = 0;

	do {
		value |= (size_t)(bytes[n] & 0x7f) << 7 * n;
	} while (bytes[n++] & 0x80);
	assert_int_equal(value, size - n);
	return n;
}

static Sysprobe__V1__Batch *unframe(const uint8_t *bytes, size_t size)
{
	size_t frame_size = check_frame(bytes, size);
	Sysprobe__V1__Batch *batch =
		sysprobe__v1__batch__unpack(NULL, size - frame_size, bytes + frame_size);

	assert_non_null(batch);
	return batch;
}

static void assert_bytes(ProtobufCBinaryData field, const void *expected, size_t size)
{
	assert_int_equal(field.len, size);
	assert_memory_equal(field.data, expected, size);
}

static void ipv4_connection_keeps_every_field(void **state)
{
	struct sp_connection connection = ipv4_connection();
	Sysprobe__V1__Connection *message = through_connection(&connection, 31);

	(void)state;
	assert_int_equal(message->id, 0x1fffffffffffe);
	assert_int_equal(message->protocol, SYSPROBE__V1__PROTOCOL__PROTOCOL_TCP);
	assert_int_equal(message->family, SYSPROBE__V1__FAMILY__FAMILY_IPV4);
	assert_bytes(message->local_address, ((uint8_t[]){ 10, 77, 0, 1 }), 4);
	assert_bytes(message->remote_address, ((uint8_t[]){ 192, 0, 2, 200 }), 4);
	assert_int_equal(message->local_port, 54321);
	assert_int_equal(message->remote_port, 443);
	assert_int_equal(message->netns, 4026531840u);
	assert_int_equal(message->role, SYSPROBE__V1__ROLE__ROLE_CLIENT);
	assert_int_equal(message->state, SYSPROBE__V1__STATE__STATE_CLOSED);
	assert_int_equal(message->error, 104);
	assert_int_equal(message->tgid, 4242);
	assert_int_equal(message->process_start_ns, 111222333444);
	assert_string_equal(message->comm, "worker");
	assert_int_equal(message->cgroup_id, 987654321);
	assert_int_equal(message->bytes_sent, 1001);
	assert_int_equal(message->bytes_received, 2002);
	assert_int_equal(message->packets_sent, 3);
	assert_int_equal(message->packets_received, 4);
	assert_int_equal(message->retransmits, 5);
	assert_int_equal(message->rtt_us, 678);
	assert_int_equal(message->rtt_var_us, 79);
	assert_int_equal(message->started_ns, 500000000001);
	assert_int_equal(message->established_ns, 500000000002);
	assert_int_equal(message->closed_ns, 500000000003);
	assert_int_equal(message->sequence, 31);
	assert_non_null(message->before_probe);
	assert_int_equal(message->before_probe->bytes_sent, 11);
	assert_int_equal(message->before_probe->bytes_received, 12);
	assert_int_equal(message->before_probe->packets_sent, 13);
	assert_int_equal(message->before_probe->packets_received, 14);
	assert_int_equal(message->before_probe->retransmits, 15);
	sysprobe__v1__connection__free_unpacked(message, NULL);
}

static void quality_keeps_every_field(void **state)
{
	struct sp_connection connection = ipv4_connection();
	Sysprobe__V1__Connection *message = through_connection(&connection, 0);

	(void)state;
	assert_int_equal(message->accepted_ns, 500000000004);
	assert_int_equal(message->delivery_bytes_per_s, 5000000000);
	assert_int_equal(message->min_rtt_us, 41);
	assert_int_equal(message->retransmits_timeout, 42);
	assert_int_equal(message->retransmits_fast, 43);
	assert_int_equal(message->retransmits_probe, 44);
	assert_int_equal(message->reorderings, 45);
	assert_int_equal(message->out_of_order, 46);
	assert_int_equal(message->delivered_ce, 47);
	assert_int_equal(message->lost, 48);
	assert_int_equal(message->cwnd, 49);
	assert_int_equal(message->zero_window_probes, 50);
	assert_true(message->ecn);
	assert_true(message->reset_sent);
	assert_true(message->reset_received);
	assert_int_equal(message->closed_first, SYSPROBE__V1__SIDE__SIDE_REMOTE);
	assert_int_equal(message->tcp_state, 9);
	assert_true(message->owner_is_listener);
	sysprobe__v1__connection__free_unpacked(message, NULL);
}

static void listener_and_drops_keep_every_field(void **state)
{
	struct sp_connection connection = ipv4_connection();
	Sysprobe__V1__Connection *message = through_connection(&connection, 0);

	(void)state;
	assert_int_equal(message->accept_queue, 51);
	assert_int_equal(message->accept_queue_max, 52);
	assert_int_equal(message->dropped_attempts, 53);
	assert_int_equal(message->synack_retransmits, 54);
	assert_int_equal(message->n_drops, 2);
	assert_int_equal(message->drops[0]->packets, 55);
	assert_string_equal(message->drops[1]->reason, "OTHER");
	assert_int_equal(message->drops[1]->packets, 56);
	sysprobe__v1__connection__free_unpacked(message, NULL);
}

static void what_was_measured_is_named_by_field_number(void **state)
{
	struct sp_connection connection = { .known = SP_KNOWN(BYTES_SENT) | SP_KNOWN(LOST) };
	Sysprobe__V1__Connection *message = through_connection(&connection, 0);

	(void)state;
	assert_int_equal(message->known_fields, 1ULL << 16 | 1ULL << 38);
	sysprobe__v1__connection__free_unpacked(message, NULL);
}

static void ipv6_udp_connection_keeps_whole_addresses(void **state)
{
	struct sp_connection connection = ipv4_connection();
	Sysprobe__V1__Connection *message;

	(void)state;
	connection.tuple = (struct sp_tuple){ .family = SP_IPV6, .protocol = 17 };
	connection.is_adopted = 0;
	memset(connection.tuple.local, 0xfd, 16);
	memset(connection.tuple.remote, 0x20, 16);
	message = through_connection(&connection, 0);
	assert_int_equal(message->protocol, SYSPROBE__V1__PROTOCOL__PROTOCOL_UDP);
	assert_int_equal(message->family, SYSPROBE__V1__FAMILY__FAMILY_IPV6);
	assert_bytes(message->local_address, connection.tuple.local, 16);
	assert_bytes(message->remote_address, connection.tuple.remote, 16);
	assert_int_equal(message->sequence, 0);
	assert_null(message->before_probe);
	sysprobe__v1__connection__free_unpacked(message, NULL);
}

static void comm_that_fills_its_field_needs_no_nul(void **state)
{
	struct sp_connection connection = ipv4_connection();
	Sysprobe__V1__Connection *message;

	(void)state;
	memcpy(connection.owner.comm, "0123456789abcdef", SP_COMM_SIZE);
	message = through_connection(&connection, 0);
	assert_string_equal(message->comm, "0123456789abcdef");
	sysprobe__v1__connection__free_unpacked(message, NULL);
}

static void comm_of_a_connection_is_made_valid_utf8(void **state)
{
	struct sp_connection connection = ipv4_connection();
	Sysprobe__V1__Connection *message;

	(void)state;
	memcpy(connection.owner.comm, "caf\xe9 \xc3\xa9 abcdefg\xc3\xa9", SP_COMM_SIZE);
	message = through_connection(&connection, 0);
	assert_string_equal(message->comm, "caf? \xc3\xa9 abcdefg?");
	sysprobe__v1__connection__free_unpacked(message, NULL);
}

static void comm_of_a_process_is_made_valid_utf8(void **state)
{
	struct process_record record = sample_process(4711);
	Sysprobe__V1__Process *message;

	(void)state;
	record.comm = "\xc3\xa9 caf\xe9";
	message = through_process(&record);
	assert_string_equal(message->comm, "\xc3\xa9 caf?");
	sysprobe__v1__process__free_unpacked(message, NULL);
}

static void largest_connection_fits_its_maximum(void **state)
{
	struct sp_connection connection = largest_connection();
	Sysprobe__V1__Connection *message = through_connection(&connection, UINT64_MAX);

	(void)state;
	assert_int_equal(message->id, UINT64_MAX);
	assert_int_equal(message->closed_ns, UINT64_MAX);
	assert_int_equal(message->retransmits, UINT32_MAX);
	assert_int_equal(message->sequence, UINT64_MAX);
	sysprobe__v1__connection__free_unpacked(message, NULL);
}

static void connection_over_capacity_is_emsgsize(void **state)
{
	struct sp_connection connection = ipv4_connection();
	uint8_t out[ENCODE_CONNECTION_MAX_BYTES];
	ssize_t size = encode_connection(&connection, 0, out, sizeof(out));

	(void)state;
	assert_int_equal(encode_connection(&connection, 0, out, (size_t)size - 1), -EMSGSIZE);
	/* A number is written only where the longest one would fit. */
	assert_int_equal(encode_connection(&connection, 0, out,
					   (size_t)size + WIRE_VARINT_MAX_BYTES),
			 size);
}

static void process_keeps_every_field(void **state)
{
	struct process_record record = sample_process(4711);
	Sysprobe__V1__Process *message;

	(void)state;
	record.sequence = 12;
	record.is_command_line_cut = true;
	record.is_forked_only = true;
	record.environment = "DD_SERVICE=a\0DD_ENV=";
	record.environment_size = 21;
	message = through_process(&record);
	assert_int_equal(message->n_environment, 2);
	assert_bytes(message->environment[0], "DD_SERVICE=a", 12);
	assert_bytes(message->environment[1], "DD_ENV=", 7);
	assert_int_equal(message->event, SYSPROBE__V1__PROCESS__EVENT__EVENT_EXEC);
	assert_int_equal(message->tgid, 4711);
	assert_int_equal(message->parent_tgid, 1);
	assert_int_equal(message->start_ns, 70000000007);
	assert_int_equal(message->time_ns, 70000000008);
	assert_int_equal(message->uid, 1000);
	assert_string_equal(message->comm, "curl");
	assert_bytes(message->executable, "/usr/bin/curl", 13);
	assert_bytes(message->command_line, "curl\0-s\0http://x", 16);
	assert_true(message->command_line_cut);
	assert_true(message->forked_only);
	assert_int_equal(message->cgroup_id, 99);
	assert_bytes(message->cgroup_name, "session-1.scope", 15);
	assert_int_equal(message->sequence, 12);
	sysprobe__v1__process__free_unpacked(message, NULL);
}

static void largest_process_fits_its_maximum(void **state)
{
	static char filler[SP_COMMAND_LINE_SIZE], comm[64], cgroup[SP_CGROUP_NAME_SIZE];
	static char environment[SP_ENVIRONMENT_SIZE];
	struct process_record record = { .event = 3, .tgid = UINT32_MAX, .parent_tgid = UINT32_MAX,
					 .uid = UINT32_MAX, .start_ns = UINT64_MAX,
					 .time_ns = UINT64_MAX, .cgroup_id = UINT64_MAX,
					 .sequence = UINT64_MAX, .comm = comm,
					 .cgroup_name = cgroup, .executable = filler,
					 .executable_size = SP_FILENAME_SIZE,
					 .command_line = filler,
					 .command_line_size = SP_COMMAND_LINE_SIZE,
					 .is_command_line_cut = true,
					 .environment = environment,
					 .environment_size = SP_ENVIRONMENT_SIZE };
	Sysprobe__V1__Process *message;

	(void)state;
	for (size_t i = 0; i < SP_ENVIRONMENT_SIZE; i += 8)
		memcpy(environment + i, "DD_ENV=", 8); /* the most entries */
	memset(comm, 'c', sizeof(comm) - 1);
	memset(cgroup, 'g', sizeof(cgroup) - 1);
	message = through_process(&record);
	assert_int_equal(message->command_line.len, SP_COMMAND_LINE_SIZE);
	assert_int_equal(message->cgroup_name.len, SP_CGROUP_NAME_SIZE - 1);
	assert_int_equal(message->n_environment, SP_ENVIRONMENT_SIZE / 8);
	sysprobe__v1__process__free_unpacked(message, NULL);
}

static void process_over_capacity_is_emsgsize(void **state)
{
	struct process_record record = sample_process(1);
	uint8_t out[ENCODE_PROCESS_MAX_BYTES];
	ssize_t size = encode_process(&record, out, sizeof(out));

	(void)state;
	assert_int_equal(encode_process(&record, out, (size_t)size - 1), -EMSGSIZE);
}

static const uint8_t instance_id[16] = "\x01\x02\x03\x04\x05\x06\x07\x08"
				       "\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10";

static const uint8_t boot_id[16] = "sixteen of boot";

static struct stream_header log_header(void)
{
	return (struct stream_header){
		.instance_id = instance_id,
		.now_boottime_ns = 1234567890123,
		.now_unix_ns = 1795000000000000000,
		.tier = "tracepoint",
		.first_sequence = 55,
		.boot_id = boot_id,
	};
}

static void header_of_a_log_keeps_every_field(void **state)
{
	struct stream_header header = log_header();
	uint8_t out[512];
	ssize_t size = encode_header_batch(&header, out, sizeof(out));
	Sysprobe__V1__Batch *batch = unframe(out, (size_t)size);
	const Sysprobe__V1__Header *message = batch->header;

	(void)state;
	assert_non_null(message);
	assert_bytes(message->instance_id, instance_id, 16);
	assert_int_equal(message->now_boottime_ns, 1234567890123);
	assert_int_equal(message->now_unix_ns, 1795000000000000000);
	assert_string_equal(message->tier, "tracepoint");
	assert_int_equal(message->first_sequence, 55);
	assert_bytes(message->boot_id, boot_id, 16);
	assert_null(batch->trailer);
	sysprobe__v1__batch__free_unpacked(batch, NULL);
}

static void header_of_a_snapshot_has_no_numbers(void **state)
{
	struct stream_header header = log_header();
	uint8_t out[512];
	Sysprobe__V1__Batch *batch;

	(void)state;
	header.first_sequence = 0;
	batch = unframe(out, (size_t)encode_header_batch(&header, out, sizeof(out)));
	assert_int_equal(batch->header->first_sequence, 0);
	sysprobe__v1__batch__free_unpacked(batch, NULL);
}

static void trailer_keeps_every_field(void **state)
{
	const struct named_overflow overflow[] = {
		{ "closed_ring_full", { .counters = { 1, 2, 3, 4 }, .connections = 5,
					.retransmits = 6 } },
		{ "udp_table_full", { .connections = 7 } },
	};
	struct stream_trailer trailer = { .n_records = 1000, .next_sequence = 1056,
					  .overflow = overflow, .n_overflow = 2 };
	uint8_t out[512];
	ssize_t size = encode_trailer_batch(&trailer, out, sizeof(out));
	Sysprobe__V1__Batch *batch = unframe(out, (size_t)size);
	const Sysprobe__V1__Trailer *message = batch->trailer;

	(void)state;
	assert_non_null(message);
	assert_int_equal(message->n_records, 1000);
	assert_int_equal(message->next_sequence, 1056);
	assert_int_equal(message->n_overflow, 2);
	assert_string_equal(message->overflow[0]->cause, "closed_ring_full");
	assert_int_equal(message->overflow[0]->bytes_sent, 1);
	assert_int_equal(message->overflow[0]->bytes_received, 2);
	assert_int_equal(message->overflow[0]->packets_sent, 3);
	assert_int_equal(message->overflow[0]->packets_received, 4);
	assert_int_equal(message->overflow[0]->connections, 5);
	assert_int_equal(message->overflow[0]->retransmits, 6);
	assert_string_equal(message->overflow[1]->cause, "udp_table_full");
	assert_int_equal(message->overflow[1]->connections, 7);
	assert_null(message->before_next);
	assert_null(batch->header);
	sysprobe__v1__batch__free_unpacked(batch, NULL);
}

static void trailer_of_the_closed_log_keeps_the_sum_before_next(void **state)
{
	struct sp_overflow sum = { .counters = { 1, 2, 3, 4 }, .connections = 5, .retransmits = 6 };
	struct stream_trailer trailer = { .next_sequence = 6, .before_next = &sum };
	uint8_t out[512];
	ssize_t size = encode_trailer_batch(&trailer, out, sizeof(out));
	Sysprobe__V1__Batch *batch = unframe(out, (size_t)size);
	const Sysprobe__V1__Overflow *message = batch->trailer->before_next;

	(void)state;
	assert_non_null(message);
	assert_int_equal(message->bytes_sent, 1);
	assert_int_equal(message->bytes_received, 2);
	assert_int_equal(message->packets_sent, 3);
	assert_int_equal(message->packets_received, 4);
	assert_int_equal(message->connections, 5);
	assert_int_equal(message->retransmits, 6);
	sysprobe__v1__batch__free_unpacked(batch, NULL);
}

static void header_and_trailer_over_capacity_are_emsgsize(void **state)
{
	struct stream_header header = log_header();
	struct stream_trailer trailer = { .n_records = 1000, .next_sequence = 1056 };
	uint8_t out[512];
	ssize_t header_size = encode_header_batch(&header, out, sizeof(out));
	ssize_t trailer_size = encode_trailer_batch(&trailer, out, sizeof(out));

	(void)state;
	assert_int_equal(encode_header_batch(&header, out, (size_t)header_size - 1), -EMSGSIZE);
	assert_int_equal(encode_header_batch(&header, out, 0), -EMSGSIZE);
	assert_int_equal(encode_trailer_batch(&trailer, out, (size_t)trailer_size - 1), -EMSGSIZE);
}

static void trailer_with_more_causes_than_there_are_is_emsgsize(void **state)
{
	static const struct named_overflow overflow[SP_N_OVERFLOW_CAUSES + 1];
	struct stream_trailer trailer = { .overflow = overflow,
					  .n_overflow = SP_N_OVERFLOW_CAUSES + 1 };
	uint8_t out[512];

	(void)state;
	assert_int_equal(encode_trailer_batch(&trailer, out, sizeof(out)), -EMSGSIZE);
}

static void frame_size_is_a_leb128_varint(void **state)
{
	uint8_t out[ENCODE_FRAME_SIZE_MAX_BYTES];

	(void)state;
	assert_int_equal(encode_frame_size(0, out), 1);
	assert_memory_equal(out, "\x00", 1);
	assert_int_equal(encode_frame_size(127, out), 1);
	assert_memory_equal(out, "\x7f", 1);
	assert_int_equal(encode_frame_size(128, out), 2);
	assert_memory_equal(out, "\x80\x01", 2);
	assert_int_equal(encode_frame_size(16384, out), 3);
	assert_memory_equal(out, "\x80\x80\x01", 3);
	assert_int_equal(encode_frame_size(UINT32_MAX, out), ENCODE_FRAME_SIZE_MAX_BYTES);
	assert_memory_equal(out, "\xff\xff\xff\xff\x0f", 5);
}

#define N_MEMBERS 20

static size_t put_member(uint8_t *out, enum batch_member member, const uint8_t *bytes, size_t size)
{
	size_t head_size = encode_member_head(member, size, out);

	memcpy(out + head_size, bytes, size);
	return head_size + size;
}

/* N_MEMBERS connections and one process, framed one by one; their size. */
static size_t put_all_members(uint8_t *out)
{
	uint8_t bytes[ENCODE_PROCESS_MAX_BYTES];
	struct sp_connection connection = ipv4_connection();
	struct process_record record = sample_process(1);
	size_t size = 0;
	ssize_t n;

	for (uint64_t id = 0; id < N_MEMBERS; id++) {
		connection.id = id;
		n = encode_connection(&connection, 0, bytes, sizeof(bytes));
		size += put_member(out + size, BATCH_CONNECTION, bytes, (size_t)n);
	}
	n = encode_process(&record, bytes, sizeof(bytes));
	return size + put_member(out + size, BATCH_PROCESS, bytes, (size_t)n);
}

/* The same as one message, packed by the library. */
static size_t pack_whole(uint8_t *out)
{
	Sysprobe__V1__Batch batch = SYSPROBE__V1__BATCH__INIT;
	Sysprobe__V1__Connection *connections[N_MEMBERS];
	struct sp_connection connection = ipv4_connection();
	struct process_record record = sample_process(1);
	Sysprobe__V1__Process *process = through_process(&record);
	size_t size;

	for (uint64_t id = 0; id < N_MEMBERS; id++) {
		connection.id = id;
		connections[id] = through_connection(&connection, 0);
	}
	batch.n_connections = N_MEMBERS;
	batch.connections = connections;
	batch.n_processes = 1;
	batch.processes = &process;
	size = sysprobe__v1__batch__pack(&batch, out);
	for (int i = 0; i < N_MEMBERS; i++)
		sysprobe__v1__connection__free_unpacked(connections[i], NULL);
	sysprobe__v1__process__free_unpacked(process, NULL);
	return size;
}

static void batch_of_framed_members_equals_a_batch_packed_whole(void **state)
{
	static uint8_t from_members[8192], whole[8192];
	size_t members_size = put_all_members(from_members);
	size_t whole_size = pack_whole(whole);

	(void)state;
	assert_int_equal(members_size, whole_size);
	assert_memory_equal(from_members, whole, whole_size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_connection_keeps_every_field),
		cmocka_unit_test(quality_keeps_every_field),
		cmocka_unit_test(listener_and_drops_keep_every_field),
		cmocka_unit_test(what_was_measured_is_named_by_field_number),
		cmocka_unit_test(ipv6_udp_connection_keeps_whole_addresses),
		cmocka_unit_test(comm_that_fills_its_field_needs_no_nul),
		cmocka_unit_test(comm_of_a_connection_is_made_valid_utf8),
		cmocka_unit_test(comm_of_a_process_is_made_valid_utf8),
		cmocka_unit_test(largest_connection_fits_its_maximum),
		cmocka_unit_test(connection_over_capacity_is_emsgsize),
		cmocka_unit_test(process_keeps_every_field),
		cmocka_unit_test(largest_process_fits_its_maximum),
		cmocka_unit_test(process_over_capacity_is_emsgsize),
		cmocka_unit_test(header_of_a_log_keeps_every_field),
		cmocka_unit_test(header_of_a_snapshot_has_no_numbers),
		cmocka_unit_test(trailer_keeps_every_field),
		cmocka_unit_test(trailer_of_the_closed_log_keeps_the_sum_before_next),
		cmocka_unit_test(header_and_trailer_over_capacity_are_emsgsize),
		cmocka_unit_test(trailer_with_more_causes_than_there_are_is_emsgsize),
		cmocka_unit_test(frame_size_is_a_leb128_varint),
		cmocka_unit_test(batch_of_framed_members_equals_a_batch_packed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
