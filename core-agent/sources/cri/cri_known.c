/* SPDX-License-Identifier: Apache-2.0 */
#include "cri_known.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(row) ((row)->is_out_of_memory = true)
#include <uthash.h>

struct row {
	char id[ENTITY_ID_SIZE];
	UT_hash_handle hh;
	bool is_out_of_memory; /* could not be linked in */
	uint32_t list; /* number of the one that had it last */
	struct cri_item item;
};

struct cri_known {
	struct row *table;
	size_t max;
	uint32_t list;
};

struct cri_known *cri_known_new(size_t max)
{
	struct cri_known *known = calloc(1, sizeof(*known));

	if (known)
		known->max = max;
	return known;
}

static void remove_row(struct cri_known *known, struct row *row)
{
	HASH_DEL(known->table, row);
	free(row);
}

void cri_known_free(struct cri_known *known)
{
	struct row *row, *next;

	if (!known)
		return;
	HASH_ITER(hh, known->table, row, next)
		remove_row(known, row);
	free(known);
}

static struct row *add(struct cri_known *known, const char *id)
{
	size_t size = strlen(id) + 1;
	struct row *row;

	if (size == 1 || size > sizeof(row->id) || HASH_COUNT(known->table) >= known->max)
		return NULL;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	memcpy(row->id, id, size);
	HASH_ADD_STR(known->table, id, row);
	if (!row->is_out_of_memory)
		return row;
	free(row);
	return NULL;
}

struct cri_item *cri_known_get(struct cri_known *known, const char *id)
{
	struct row *row;

	HASH_FIND_STR(known->table, id, row);
	if (!row)
		row = add(known, id);
	if (!row)
		return NULL;
	row->list = known->list;
	return &row->item;
}

void cri_known_begin_list(struct cri_known *known)
{
	known->list++;
}

void cri_known_end_list(struct cri_known *known)
{
	struct row *row, *next;

	HASH_ITER(hh, known->table, row, next)
		if (row->list != known->list)
			remove_row(known, row);
}
