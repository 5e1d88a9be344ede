/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/inode_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS 64

void inode_table_deinit(struct inode_table *table)
{
	free(table->rows);
	*table = (struct inode_table){ 0 };
}

int inode_table_add(struct inode_table *table, uint32_t inode, void *value)
{
	if (table->n_rows == table->capacity) {
		size_t n = table->capacity ? 2 * table->capacity : FIRST_ROWS;
		struct inode_row *rows = reallocarray(table->rows, n, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		table->rows = rows;
		table->capacity = n;
	}
	table->rows[table->n_rows++] = (struct inode_row){ inode, value };
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = ((const struct inode_row *)a)->inode;
	uint32_t right = ((const struct inode_row *)b)->inode;

	return (left > right) - (left < right);
}

void inode_table_sort(struct inode_table *table)
{
	if (table->n_rows)
		qsort(table->rows, table->n_rows, sizeof(*table->rows), compare);
}

void *inode_table_find(const struct inode_table *table, uint32_t inode)
{
	const struct inode_row wanted = { inode, NULL };
	const struct inode_row *row = NULL;

	if (table->n_rows)
		row = bsearch(&wanted, table->rows, table->n_rows, sizeof(wanted), compare);
	return row ? row->value : NULL;
}

uint32_t inode_table_parse_link(const char *link, size_t size, const char *kind)
{
	size_t kind_size = strlen(kind);
	const char *end = link + size;
	uint64_t number = 0;

	if (size < kind_size + 4 || memcmp(link, kind, kind_size) != 0 ||
	    memcmp(link + kind_size, ":[", 2) != 0 || end[-1] != ']')
		return 0;
	for (link += kind_size + 2; link < end - 1; link++) {
		if (*link < '0' || *link > '9')
			return 0;
		number = number * 10 + (uint64_t)(*link - '0');
		if (number > UINT32_MAX)
			return 0;
	}
	return (uint32_t)number;
}
