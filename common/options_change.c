/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "options_internal.h"

#include <errno.h>
#include <string.h>

const struct option *options_find(const struct option *table, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].key, key) == 0)
			return &table[i];
	return NULL;
}

int options_set(const struct option *row, void *settings, const char *text, size_t size,
		struct option_error *error)
{
	struct options_problem problem;
	int r = options_value_set(row, settings, text, size, &problem);

	if (r == -EINVAL)
		(void)snprintf(error->text, sizeof(error->text), "%s: %s", row->key, problem.text);
	return r;
}

static bool is_list_equal(const struct option_list *a, const struct option_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static bool is_map_equal(const struct option_map *a, const struct option_map *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const char *other = options_map_find(b, a->items[i].key);

		if (!other || strcmp(a->items[i].value, other) != 0)
			return false;
	}
	return true;
}

static size_t size_of(const struct option *row)
{
	switch (row->type) {
	case OPTION_BOOL:
		return sizeof(bool);
	case OPTION_INT:
	case OPTION_DURATION:
		return sizeof(uint64_t);
	case OPTION_STRING:
		return sizeof(char *);
	case OPTION_ENUM:
		return sizeof(int);
	case OPTION_STRING_LIST:
		return sizeof(struct option_list);
	case OPTION_STRING_MAP:
		return sizeof(struct option_map);
	default:
		return 0;
	}
}

bool options_is_equal(const struct option *row, const void *a, const void *b)
{
	const char *left = (const char *)a + row->offset, *right = (const char *)b + row->offset;

	if (row->type == OPTION_STRING)
		return strcmp(*(char *const *)left, *(char *const *)right) == 0;
	if (row->type == OPTION_STRING_LIST)
		return is_list_equal((const struct option_list *)left,
				     (const struct option_list *)right);
	if (row->type == OPTION_STRING_MAP)
		return is_map_equal((const struct option_map *)left,
				    (const struct option_map *)right);
	return memcmp(left, right, size_of(row)) == 0;
}

void options_swap(const struct option *row, void *a, void *b)
{
	char *left = (char *)a + row->offset, *right = (char *)b + row->offset;
	char kept[sizeof(struct option_list)]; /* no field is larger */
	size_t size = size_of(row);

	_Static_assert(sizeof(struct option_map) <= sizeof(kept), "a map does not fit");

	memcpy(kept, left, size);
	memcpy(left, right, size);
	memcpy(right, kept, size);
}
