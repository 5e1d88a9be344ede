/* SPDX-License-Identifier: Apache-2.0 */
#include "record_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Bytes lie one behind the other in `bytes`; a record that does not fit before
 * the end starts again at 0. `slots` holds where each number lies, modulo
 * max_records.
 */
struct slot {
	uint32_t offset;
	uint32_t size;
};

struct record_log {
	uint8_t *bytes;
	struct slot *slots;
	size_t max_records;
	size_t max_bytes;
	size_t head; /* where the next record would start */
	uint64_t first;
	uint64_t next;
};

static void *map_lazily(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

struct record_log *record_log_new(size_t max_records, size_t max_bytes)
{
	struct record_log *log;

	if (max_records == 0 || max_bytes == 0 || max_bytes > UINT32_MAX ||
	    max_records > SIZE_MAX / sizeof(struct slot))
		return NULL;
	log = calloc(1, sizeof(*log));
	if (!log)
		return NULL;
	log->max_records = max_records;
	log->max_bytes = max_bytes;
	log->first = log->next = 1;
	log->bytes = map_lazily(max_bytes);
	log->slots = map_lazily(max_records * sizeof(struct slot));
	if (!log->bytes || !log->slots) {
		record_log_free(log);
		return NULL;
	}
	return log;
}

void record_log_free(struct record_log *log)
{
	if (!log)
		return;
	if (log->bytes)
		(void)munmap(log->bytes, log->max_bytes); /* our own mapping, whole */
	if (log->slots)
		(void)munmap(log->slots, log->max_records * sizeof(struct slot));
	free(log);
}

uint64_t record_log_first_sequence(const struct record_log *log)
{
	return log->first;
}

uint64_t record_log_next_sequence(const struct record_log *log)
{
	return log->next;
}

static struct slot *slot_of(const struct record_log *log, uint64_t sequence)
{
	return &log->slots[sequence % log->max_records];
}

int record_log_get(const struct record_log *log, uint64_t sequence,
		   struct record_log_entry *ret_entry)
{
	const struct slot *slot;

	if (sequence < log->first || sequence >= log->next)
		return -ENOENT;
	slot = slot_of(log, sequence);
	*ret_entry = (struct record_log_entry){ log->bytes + slot->offset, slot->size };
	return 0;
}

static bool oldest_lies_in(const struct record_log *log, size_t start, size_t size)
{
	const struct slot *oldest;

	if (log->first == log->next)
		return false;
	oldest = slot_of(log, log->first);
	return oldest->offset < start + size && start < (size_t)oldest->offset + oldest->size;
}

/*
 * Going round, the records between head and the end of the ring are the oldest:
 * they give way as well, so that the order of bytes stays the order of numbers.
 */
static void evict_to_the_end(struct record_log *log)
{
	while (log->first != log->next && slot_of(log, log->first)->offset >= log->head)
		log->first++;
}

int record_log_append(struct record_log *log, const uint8_t *bytes, size_t size)
{
	if (size == 0 || size > log->max_bytes)
		return -EMSGSIZE;
	if (size > log->max_bytes - log->head) {
		evict_to_the_end(log);
		log->head = 0;
	}
	while (oldest_lies_in(log, log->head, size) || log->next - log->first == log->max_records)
		log->first++;
	memcpy(log->bytes + log->head, bytes, size);
	*slot_of(log, log->next) = (struct slot){ (uint32_t)log->head, (uint32_t)size };
	log->head += size;
	log->next++;
	return 0;
}
