/* SPDX-License-Identifier: Apache-2.0 */
#include "closed_log.h"

#include <stdlib.h>
#include <string.h>

#include "encode.h"

#define TYPICAL_RECORD_BYTES 192

/* What an entry adds to the sum when it gives way; stands before its message. */
struct entry_prefix {
	struct sp_counters counters;
	uint64_t retransmits;
};

struct closed_log {
	struct record_log *records;
	struct sp_overflow before_first;
	struct sp_overflow total;
};

static void add_to_sum(struct sp_overflow *sum, const struct entry_prefix *prefix)
{
	sum->counters.bytes_sent += prefix->counters.bytes_sent;
	sum->counters.bytes_received += prefix->counters.bytes_received;
	sum->counters.packets_sent += prefix->counters.packets_sent;
	sum->counters.packets_received += prefix->counters.packets_received;
	sum->retransmits += prefix->retransmits;
	sum->connections++;
}

static void on_evict(uint64_t sequence, const struct record_log_entry *entry, void *context)
{
	struct closed_log *log = context;
	struct entry_prefix prefix;

	(void)sequence; /* records give way in order */
	memcpy(&prefix, entry->bytes, sizeof(prefix));
	add_to_sum(&log->before_first, &prefix);
}

struct closed_log *closed_log_new(size_t max_records)
{
	struct closed_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->records = record_log_new(max_records, max_records * TYPICAL_RECORD_BYTES +
							   ENCODE_CONNECTION_MAX_BYTES +
							   sizeof(struct entry_prefix));
	if (!log->records) {
		free(log);
		return NULL;
	}
	record_log_on_evict(log->records, on_evict, log);
	return log;
}

void closed_log_free(struct closed_log *log)
{
	if (!log)
		return;
	record_log_free(log->records);
	free(log);
}

int closed_log_append(struct closed_log *log, const struct sp_connection *connection)
{
	struct entry_prefix prefix = { connection->counters, connection->retransmits };
	uint8_t bytes[sizeof(prefix) + ENCODE_CONNECTION_MAX_BYTES];
	ssize_t size = encode_connection(connection, record_log_next_sequence(log->records),
					 bytes + sizeof(prefix), ENCODE_CONNECTION_MAX_BYTES);

	if (size < 0)
		return (int)size;
	memcpy(bytes, &prefix, sizeof(prefix));
	add_to_sum(&log->total, &prefix);
	return record_log_append(log->records, bytes, sizeof(prefix) + (size_t)size);
}

uint64_t closed_log_first_sequence(const struct closed_log *log)
{
	return record_log_first_sequence(log->records);
}

uint64_t closed_log_next_sequence(const struct closed_log *log)
{
	return record_log_next_sequence(log->records);
}

const struct sp_overflow *closed_log_before_first(const struct closed_log *log)
{
	return &log->before_first;
}

const struct sp_overflow *closed_log_total(const struct closed_log *log)
{
	return &log->total;
}

int closed_log_get(const struct closed_log *log, uint64_t sequence,
		   struct record_log_entry *ret_entry)
{
	int r = record_log_get(log->records, sequence, ret_entry);

	if (r < 0)
		return r;
	ret_entry->bytes += sizeof(struct entry_prefix);
	ret_entry->size -= sizeof(struct entry_prefix);
	return 0;
}
