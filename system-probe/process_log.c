/* SPDX-License-Identifier: Apache-2.0 */
#include "process_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TYPICAL_EVENT_BYTES 384

/* Sorted by tgid, so that a stream can go on where it was although the table changed. */
struct living {
	uint32_t tgid;
	uint32_t size;
	uint8_t *bytes; /* heap: encoded Process */
};

struct process_log {
	struct record_log *events;
	struct living *table;
	size_t capacity;
	size_t max_processes;
	struct process_log_stats stats;
};

struct process_log *process_log_new(size_t max_events, size_t max_processes)
{
	struct process_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->max_processes = max_processes;
	log->events = record_log_new(max_events,
				     max_events * TYPICAL_EVENT_BYTES + ENCODE_PROCESS_MAX_BYTES);
	if (!log->events) {
		free(log);
		return NULL;
	}
	return log;
}

void process_log_free(struct process_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < log->stats.n_processes; i++)
		free(log->table[i].bytes);
	free(log->table);
	record_log_free(log->events);
	free(log);
}

/* Index of the first entry whose tgid is not below `tgid`. */
static size_t lower_bound(const struct process_log *log, uint32_t tgid)
{
	size_t low = 0, high = log->stats.n_processes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (log->table[middle].tgid < tgid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_tgid(const struct process_log *log, size_t index, uint32_t tgid)
{
	return index < log->stats.n_processes && log->table[index].tgid == tgid;
}

static int grow(struct process_log *log)
{
	size_t capacity = log->capacity ? log->capacity * 2 : 256;
	struct living *table = reallocarray(log->table, capacity, sizeof(*table));

	if (!table)
		return -ENOMEM;
	log->table = table;
	log->capacity = capacity;
	return 0;
}

static int insert_at(struct process_log *log, size_t index, struct living entry)
{
	int r;

	if (log->stats.n_processes >= log->max_processes) {
		log->stats.n_table_full++;
		return -ENOSPC;
	}
	if (log->stats.n_processes == log->capacity) {
		r = grow(log);
		if (r < 0)
			return r;
	}
	memmove(&log->table[index + 1], &log->table[index],
		(log->stats.n_processes - index) * sizeof(entry));
	log->table[index] = entry;
	log->stats.n_processes++;
	return 0;
}

/* Takes over entry.bytes. */
static int put_living(struct process_log *log, struct living entry)
{
	size_t index = lower_bound(log, entry.tgid);
	int r;

	if (has_tgid(log, index, entry.tgid)) {
		free(log->table[index].bytes);
		log->table[index] = entry;
		return 0;
	}
	r = insert_at(log, index, entry);
	if (r < 0)
		free(entry.bytes);
	return r;
}

static int remember(struct process_log *log, const struct process_record *record)
{
	struct process_record alive = *record;
	uint8_t bytes[ENCODE_PROCESS_MAX_BYTES];
	struct living entry = { .tgid = record->tgid };
	ssize_t size;

	alive.event = PROCESS_ALIVE;
	alive.sequence = 0;
	size = encode_process(&alive, bytes, sizeof(bytes));
	if (size < 0)
		return (int)size;
	entry.size = (uint32_t)size;
	entry.bytes = malloc((size_t)size);
	if (!entry.bytes)
		return -ENOMEM;
	memcpy(entry.bytes, bytes, (size_t)size);
	return put_living(log, entry);
}

static int append(struct process_log *log, const struct process_record *record, uint8_t event)
{
	struct process_record numbered = *record;
	uint8_t bytes[ENCODE_PROCESS_MAX_BYTES];
	ssize_t size;

	numbered.event = event;
	numbered.sequence = record_log_next_sequence(log->events);
	size = encode_process(&numbered, bytes, sizeof(bytes));
	if (size < 0)
		return (int)size;
	return record_log_append(log->events, bytes, (size_t)size);
}

int process_log_add_exec(struct process_log *log, const struct process_record *record)
{
	int r = append(log, record, PROCESS_EXEC);

	return r < 0 ? r : remember(log, record);
}

int process_log_add_exit(struct process_log *log, const struct process_record *record)
{
	size_t index = lower_bound(log, record->tgid);

	if (has_tgid(log, index, record->tgid)) {
		free(log->table[index].bytes);
		log->stats.n_processes--;
		memmove(&log->table[index], &log->table[index + 1],
			(log->stats.n_processes - index) * sizeof(log->table[0]));
	}
	return append(log, record, PROCESS_EXIT);
}

int process_log_add_alive(struct process_log *log, const struct process_record *record)
{
	if (has_tgid(log, lower_bound(log, record->tgid), record->tgid))
		return 0;
	return remember(log, record);
}

uint64_t process_log_first_sequence(const struct process_log *log)
{
	return record_log_first_sequence(log->events);
}

uint64_t process_log_next_sequence(const struct process_log *log)
{
	return record_log_next_sequence(log->events);
}

int process_log_get(const struct process_log *log, uint64_t sequence,
		    struct record_log_entry *ret_entry)
{
	return record_log_get(log->events, sequence, ret_entry);
}

uint32_t process_log_next_alive(const struct process_log *log, uint32_t after_tgid,
				struct record_log_entry *ret_entry)
{
	size_t index = after_tgid == UINT32_MAX ? log->stats.n_processes :
						  lower_bound(log, after_tgid + 1);

	if (index >= log->stats.n_processes)
		return 0;
	*ret_entry = (struct record_log_entry){ log->table[index].bytes, log->table[index].size };
	return log->table[index].tgid;
}

const struct process_log_stats *process_log_get_stats(const struct process_log *log)
{
	return &log->stats;
}
