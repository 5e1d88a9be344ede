/* SPDX-License-Identifier: Apache-2.0 */
#include "convert.h"

#include "batch_stream.h"
#include "facts.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define MAX_ID (UINT64_C(1) << 53) /* what a JSON number holds exactly */

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_known(const Sysprobe__V1__Connection *record)
{
	switch (record->protocol) {
	case SYSPROBE__V1__PROTOCOL__PROTOCOL_TCP:
	case SYSPROBE__V1__PROTOCOL__PROTOCOL_UDP:
		break;
	default:
		return false;
	}
	switch (record->state) {
	case SYSPROBE__V1__STATE__STATE_OPEN:
	case SYSPROBE__V1__STATE__STATE_CLOSED:
	case SYSPROBE__V1__STATE__STATE_FAILED:
	case SYSPROBE__V1__STATE__STATE_LISTENING:
		break;
	default:
		return false;
	}
	switch (record->role) {
	case SYSPROBE__V1__ROLE__ROLE_UNSPECIFIED:
	case SYSPROBE__V1__ROLE__ROLE_SERVER:
	case SYSPROBE__V1__ROLE__ROLE_CLIENT:
		return true;
	default:
		return false;
	}
}

static bool has_valid_addresses(const Sysprobe__V1__Connection *record)
{
	size_t size = record->family == SYSPROBE__V1__FAMILY__FAMILY_IPV4 ? 4 : 16;

	if (record->family != SYSPROBE__V1__FAMILY__FAMILY_IPV4 &&
	    record->family != SYSPROBE__V1__FAMILY__FAMILY_IPV6)
		return false;
	return record->local_address.len == size && record->remote_address.len == size &&
	       record->local_port <= UINT16_MAX && record->remote_port <= UINT16_MAX;
}

static bool is_mapped(const ProtobufCBinaryData *address)
{
	return address->len == 16 && memcmp(address->data, mapped_prefix, 12) == 0;
}

static void fill_addresses(struct connection *connection, const Sysprobe__V1__Connection *record)
{
	/* Only when both are: a tuple has one family. */
	size_t skip = is_mapped(&record->local_address) && is_mapped(&record->remote_address) ? 12
											     : 0;
	size_t size = record->local_address.len - skip;

	connection->family = size == 4 ? CONNECTION_IPV4 : CONNECTION_IPV6;
	memcpy(connection->local_address, record->local_address.data + skip, size);
	memcpy(connection->remote_address, record->remote_address.data + skip, size);
	connection->local_port = (uint16_t)record->local_port;
	connection->remote_port = (uint16_t)record->remote_port;
}

static void fill_times(struct connection *connection, const Sysprobe__V1__Connection *record,
		       int64_t boot_to_unix_ns)
{
	connection->started_unix_ns = convert_time(record->started_ns, boot_to_unix_ns);
	connection->established_unix_ns = convert_time(record->established_ns, boot_to_unix_ns);
	connection->accepted_unix_ns = convert_time(record->accepted_ns, boot_to_unix_ns);
	connection->closed_unix_ns = convert_time(record->closed_ns, boot_to_unix_ns);
}

static struct connection_counters counters_of(const Sysprobe__V1__Connection *record)
{
	return (struct connection_counters){.bytes_sent = record->bytes_sent,
					    .bytes_received = record->bytes_received,
					    .packets_sent = record->packets_sent,
					    .packets_received = record->packets_received,
					    .retransmits = record->retransmits};
}

static struct connection_counters before_of(const Sysprobe__V1__Connection *record)
{
	const Sysprobe__V1__Counters *before = record->before_probe;

	if (!before)
		return (struct connection_counters){0};
	return (struct connection_counters){.bytes_sent = before->bytes_sent,
					    .bytes_received = before->bytes_received,
					    .packets_sent = before->packets_sent,
					    .packets_received = before->packets_received,
					    .retransmits = before->retransmits};
}

/* What was not measured must not be subtracted from, nor added to, what was. */
static void clear_unknown(struct connection *connection)
{
	for (const struct counter *c = facts_counters; c < facts_counters + FACTS_N_COUNTERS; c++) {
		if (facts_has_counter(c, &connection->facts))
			continue;
		*facts_counter_in(c, &connection->total) = 0;
		*facts_counter_in(c, &connection->before_probe) = 0;
	}
}

int convert_connection(const Sysprobe__V1__Connection *record, int64_t boot_to_unix_ns,
		       struct connection *ret)
{
	if (record->id == 0 || record->id >= MAX_ID || !is_known(record) ||
	    !has_valid_addresses(record))
		return -EINVAL;
	/* The enumerators of both sides have the same numbers: the wire is the contract. */
	*ret = (struct connection){.id = record->id,
				   .protocol = (enum connection_protocol)record->protocol,
				   .state = (enum connection_state)record->state,
				   .role = (enum connection_role)record->role,
				   .netns = record->netns,
				   .error = record->error,
				   .pid = record->tgid,
				   .process_start_ns = record->process_start_ns,
				   .comm = record->comm && *record->comm ? record->comm : NULL,
				   .cgroup_id = record->cgroup_id,
				   .owner_is_listener = record->owner_is_listener,
				   .total = counters_of(record),
				   .before_probe = before_of(record),
				   .has_rtt = record->rtt_us != 0,
				   .rtt_us = record->rtt_us,
				   .rtt_var_us = record->rtt_var_us,
				   .facts = facts_read(record)};
	ret->n_drops = facts_read_drops(record, ret->drops);
	clear_unknown(ret);
	fill_addresses(ret, record);
	fill_times(ret, record, boot_to_unix_ns);
	return 0;
}

uint64_t convert_time(uint64_t boottime_ns, int64_t boot_to_unix_ns)
{
	int64_t unix_ns;

	if (boottime_ns == 0 || boottime_ns > INT64_MAX ||
	    __builtin_add_overflow((int64_t)boottime_ns, boot_to_unix_ns, &unix_ns) || unix_ns < 0)
		return 0;
	return (uint64_t)unix_ns;
}

int64_t convert_boot_to_unix(const Sysprobe__V1__Header *header)
{
	return (int64_t)(header->now_unix_ns - header->now_boottime_ns);
}

static void format_id(const uint8_t *bytes, char ret[33])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < BATCH_STREAM_INSTANCE_BYTES; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	ret[2 * BATCH_STREAM_INSTANCE_BYTES] = '\0';
}

void convert_instance(const Sysprobe__V1__Header *header, char ret[33])
{
	format_id(header->instance_id.data, ret);
}

void convert_boot_id(const Sysprobe__V1__Header *header, char ret[33])
{
	ret[0] = '\0';
	if (header->boot_id.len == BATCH_STREAM_INSTANCE_BYTES)
		format_id(header->boot_id.data, ret);
}
