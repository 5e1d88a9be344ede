/* SPDX-License-Identifier: Apache-2.0 */
#include "backlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16384

/*
 * Records lie one after the other: the struct, then its text. They are copied in
 * and out, so that no alignment is needed.
 */
struct backlog {
	char *bytes;
	size_t size;
	size_t capacity;
	size_t max_bytes;
};

struct backlog *backlog_new(size_t max_bytes)
{
	struct backlog *backlog = calloc(1, sizeof(*backlog));

	if (backlog)
		backlog->max_bytes = max_bytes;
	return backlog;
}

void backlog_free(struct backlog *backlog)
{
	if (!backlog)
		return;
	free(backlog->bytes);
	free(backlog);
}

static int reserve(struct backlog *backlog, size_t size)
{
	size_t capacity = backlog->capacity ? backlog->capacity : FIRST_CAPACITY;
	char *bytes;

	if (size > backlog->max_bytes)
		return -ENOSPC;
	while (capacity < size)
		capacity *= 2;
	if (capacity == backlog->capacity)
		return 0;
	bytes = realloc(backlog->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	backlog->bytes = bytes;
	backlog->capacity = capacity;
	return 0;
}

int backlog_add(struct backlog *backlog, const struct history_record *record)
{
	size_t size;
	int r;

	if (__builtin_add_overflow(backlog->size + sizeof(*record), record->json_size, &size))
		return -ENOSPC;
	r = reserve(backlog, size);
	if (r < 0)
		return r;
	memcpy(backlog->bytes + backlog->size, record, sizeof(*record));
	memcpy(backlog->bytes + backlog->size + sizeof(*record), record->json, record->json_size);
	backlog->size = size;
	return 0;
}

static int read_at(const struct backlog *backlog, size_t offset, struct history_record *ret)
{
	if (offset >= backlog->size)
		return -ENOENT;
	memcpy(ret, backlog->bytes + offset, sizeof(*ret));
	ret->json = backlog->bytes + offset + sizeof(*ret);
	return 0;
}

int backlog_first(const struct backlog *backlog, struct history_record *ret)
{
	return read_at(backlog, 0, ret);
}

int backlog_next(const struct backlog *backlog, struct history_record *record)
{
	return read_at(backlog, (size_t)(record->json - backlog->bytes) + record->json_size, record);
}

void backlog_clear(struct backlog *backlog)
{
	free(backlog->bytes);
	backlog->bytes = NULL;
	backlog->capacity = 0;
	backlog->size = 0;
}
