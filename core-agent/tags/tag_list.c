/* SPDX-License-Identifier: Apache-2.0 */
#include "tag_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tag.h"

void tag_list_clear(struct tag_list *list)
{
	list->n = 0;
	list->n_left_out = 0;
	list->n_cut = 0;
	list->n_bytes = 0;
}

const char *tag_list_get(const struct tag_list *list, size_t i)
{
	return list->bytes + list->at[i];
}

static bool has(const struct tag_list *list, const char *tag)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(tag_list_get(list, i), tag) == 0)
			return true;
	return false;
}

void tag_list_add(struct tag_list *list, const char *key, const char *value)
{
	char tag[TAG_SIZE];
	bool is_cut = false;
	size_t size = value ? tag_format(key, value, tag, &is_cut) + 1 : 1;

	if (size == 1 || has(list, tag))
		return;
	if (list->n == TAG_LIST_MAX_TAGS || size > TAG_LIST_MAX_BYTES - list->n_bytes) {
		list->n_left_out++;
		return;
	}
	memcpy(list->bytes + list->n_bytes, tag, size);
	list->at[list->n++] = (uint16_t)list->n_bytes;
	list->n_bytes += size;
	list->n_cut += is_cut;
}

static int compare(const void *left, const void *right, void *bytes)
{
	return strcmp((const char *)bytes + *(const uint16_t *)left,
		      (const char *)bytes + *(const uint16_t *)right);
}

void tag_list_sort(struct tag_list *list)
{
	qsort_r(list->at, list->n, sizeof(*list->at), compare, list->bytes);
}
