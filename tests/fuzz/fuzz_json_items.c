/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/json_items.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(const char *bytes, size_t size, void *context)
{
	size_t *sum = context;

	*sum += size + (bytes[size] == '\0');
	return 0;
}

/* What is seen, in pieces of `step` bytes. */
static size_t sum_of(enum json_items_form form, const char *text, size_t size, size_t step, int *ret)
{
	size_t sum = 0, n_rest = 0;
	struct json_items *items = json_items_new(form, count, &sum);

	*ret = 0;
	for (size_t i = 0; i < size && *ret == 0; i += step)
		*ret = json_items_feed(items, text + i, size - i < step ? size - i : step);
	if (json_items_rest(items, &n_rest))
		sum += n_rest;
	json_items_free(items);
	return sum;
}

/* The first byte picks the form; how the bytes come must make no difference. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum json_items_form form = size && data[0] & 1 ? JSON_ITEMS_STREAM : JSON_ITEMS_LIST;
	const char *text = (const char *)data + 1;
	int whole, pieces;

	if (size < 2)
		return 0;
	if (sum_of(form, text, size - 1, size - 1, &whole) !=
		    sum_of(form, text, size - 1, 3, &pieces) ||
	    whole != pieces)
		abort();
	return 0;
}
