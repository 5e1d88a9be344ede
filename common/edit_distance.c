/* SPDX-License-Identifier: Apache-2.0 */
#include "edit_distance.h"

#define MAX_COMPARED 96

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t rows[3][MAX_COMPARED + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	a_size = min_size(a_size, MAX_COMPARED);
	b_size = min_size(b_size, MAX_COMPARED);
	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t *oldest = before;

		before = last;
		last = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = min_size(min_size(last[j], row[j - 1]) + 1, replaced);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min_size(row[j], before[j - 2] + 1);
		}
	}
	return row[b_size];
}
