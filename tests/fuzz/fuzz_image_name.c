/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/image_name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tags/tag_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Three tags at most, each of its own key, and none of a digest. */
static void check(const struct tag_list *list)
{
	static const char *const keys[] = {"image_name:", "short_image:", "image_tag:"};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		for (size_t k = 0; k < list->n; k++)
			n += strncmp(tag_list_get(list, k), keys[i], strlen(keys[i])) == 0;
	require(n == list->n && n <= sizeof(keys) / sizeof(*keys));
	for (size_t i = 0; i < list->n; i++)
		require(!strchr(tag_list_get(list, i), '@'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *reference = strndup((const char *)data, size);
	struct tag_list list;
	int r;

	if (!reference)
		return 0;
	tag_list_clear(&list);
	r = image_name_add_tags(&list, reference);
	require(r == 0 || list.n == 0);
	check(&list);
	free(reference);
	return 0;
}
