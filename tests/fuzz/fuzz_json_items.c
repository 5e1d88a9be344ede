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
	struct json_items *items = json_items_new(form, JSON_ITEMS_MAX_ITEM_BYTES, count, &sum);

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
	static const enum json_items_form forms[] = {JSON_ITEMS_LIST, JSON_ITEMS_STREAM,
						     JSON_ITEMS_ARRAY, JSON_ITEMS_STREAM};
	enum json_items_form form = forms[size ? data[0] & 3 : 0];
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
