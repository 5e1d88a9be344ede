/* SPDX-License-Identifier: Apache-2.0 */
#include "closed_log.h"

#include <stdlib.h>

#include "encode.h"

#define TYPICAL_RECORD_BYTES 250

struct closed_log {
	struct record_log *records;
	struct sp_overflow total;
};

struct closed_log *closed_log_new(size_t max_records)
{
	struct closed_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->records = record_log_new(max_records, max_records * TYPICAL_RECORD_BYTES +
							   ENCODE_CONNECTION_MAX_BYTES);
	if (!log->records) {
		free(log);
		return NULL;
	}
	return log;
}

void closed_log_free(struct closed_log *log)
{
	if (!log)
		return;
	record_log_free(log->records);
	free(log);
}

static void add_to_sum(struct sp_overflow *sum, const struct sp_connection *connection)
{
	sum->counters.bytes_sent += connection->counters.bytes_sent;
	sum->counters.bytes_received += connection->counters.bytes_received;
	sum->counters.packets_sent += connection->counters.packets_sent;
	sum->counters.packets_received += connection->counters.packets_received;
	sum->retransmits += connection->retransmits;
	sum->connections++;
}

int closed_log_append(struct closed_log *log, const struct sp_connection *connection)
{
	uint8_t bytes[ENCODE_CONNECTION_MAX_BYTES];
	ssize_t size = encode_connection(connection, record_log_next_sequence(log->records), bytes,
					 sizeof(bytes));

	if (size < 0)
		return (int)size;
	add_to_sum(&log->total, connection);
	return record_log_append(log->records, bytes, (size_t)size);
}

uint64_t closed_log_first_sequence(const struct closed_log *log)
{
	return record_log_first_sequence(log->records);
}

uint64_t closed_log_next_sequence(const struct closed_log *log)
{
	return record_log_next_sequence(log->records);
}

const struct sp_overflow *closed_log_total(const struct closed_log *log)
{
	return &log->total;
}

int closed_log_get(const struct closed_log *log, uint64_t sequence,
		   struct record_log_entry *ret_entry)
{
	return record_log_get(log->records, sequence, ret_entry);
}
