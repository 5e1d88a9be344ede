/* SPDX-License-Identifier: Apache-2.0 */
#include "texts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(text) ((text)->is_out_of_memory = true)
#include <uthash.h>

struct text {
	UT_hash_handle hh;
	size_t n_users;
	bool is_out_of_memory; /* could not be linked in */
	char bytes[];
};

struct texts {
	struct text *table;
};

struct texts *texts_new(void)
{
	return calloc(1, sizeof(struct texts));
}

static void remove_text(struct texts *texts, struct text *text)
{
	HASH_DEL(texts->table, text);
	free(text);
}

void texts_free(struct texts *texts)
{
	struct text *text, *next;

	if (!texts)
		return;
	HASH_ITER(hh, texts->table, text, next)
		remove_text(texts, text);
	free(texts);
}

static struct text *find(const struct texts *texts, const char *bytes, size_t size)
{
	struct text *text;

	HASH_FIND(hh, texts->table, bytes, size, text);
	return text;
}

static struct text *add(struct texts *texts, const char *bytes, size_t size)
{
	struct text *text = calloc(1, sizeof(*text) + size + 1);

	if (!text)
		return NULL;
	memcpy(text->bytes, bytes, size);
	HASH_ADD_KEYPTR(hh, texts->table, text->bytes, size, text);
	if (!text->is_out_of_memory)
		return text;
	free(text);
	return NULL;
}

const char *texts_take(struct texts *texts, const char *bytes)
{
	size_t size = bytes ? strlen(bytes) : 0;
	struct text *text;

	if (size == 0)
		return NULL;
	text = find(texts, bytes, size);
	if (!text)
		text = add(texts, bytes, size);
	if (!text)
		return NULL;
	text->n_users++;
	return text->bytes;
}

void texts_release(struct texts *texts, const char *bytes)
{
	struct text *text;

	if (!bytes)
		return;
	text = (struct text *)(void *)((char *)(uintptr_t)bytes - offsetof(struct text, bytes));
	if (--text->n_users == 0)
		remove_text(texts, text);
}

size_t texts_n(const struct texts *texts)
{
	return HASH_COUNT(texts->table);
}
