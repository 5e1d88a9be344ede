/* SPDX-License-Identifier: Apache-2.0 */
#include "tags/tag.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool is_utf8(const char *text)
{
	char copy[TAG_SIZE];

	return text_make_utf8(text, copy, sizeof(copy)) == strlen(text) && strcmp(text, copy) == 0;
}

/* A tag that is made of a tag is the same: nothing is cleaned, or cut, twice. */
static void check(const char tag[TAG_SIZE], size_t size)
{
	char key[TAG_SIZE], again[TAG_SIZE];
	size_t n_key = strcspn(tag, ":");
	bool is_cut = true;

	require(size == strlen(tag) && size <= TAG_MAX_BYTES);
	require(n_key > 0 && n_key <= TAG_MAX_KEY_BYTES && n_key + 1 < size);
	require(is_utf8(tag) && !strpbrk(tag, " ,\t\r\n"));
	memcpy(key, tag, n_key);
	key[n_key] = '\0';
	require(tag_format(key, tag + n_key + 1, again, &is_cut) == size);
	require(strcmp(tag, again) == 0 && !is_cut);
}

/* Up to the first newline the key, all else the value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	char *newline = text ? strchr(text, '\n') : NULL;
	char tag[TAG_SIZE];

	if (newline) {
		*newline = '\0';
		size = tag_format(text, newline + 1, tag, NULL);
		require(size > 0 || *tag == '\0');
		if (size > 0)
			check(tag, size);
	}
	free(text);
	return 0;
}
