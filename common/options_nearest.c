/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include "edit_distance.h"

#include <string.h>

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static const char *last_word(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? dot + 1 : key;
}

static size_t count_words(const char *key)
{
	size_t n = 1;

	for (; *key; key++)
		n += *key == '.';
	return n;
}

/* Size of the first `n_words` words of `key`, or of all it has. */
static size_t size_of_words(const char *key, size_t n_words)
{
	size_t size = 0;

	for (; key[size]; size++)
		if (key[size] == '.' && --n_words == 0)
			break;
	return size;
}

static void copy(const char *text, size_t text_size, char *out, size_t size)
{
	text_size = min_size(text_size, size - 1);
	memcpy(out, text, text_size);
	out[text_size] = '\0';
}

void options_nearest(const struct option *table, size_t n, const char *key, char *out, size_t size)
{
	size_t n_words = count_words(key);
	size_t best = SIZE_MAX;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		const char *known = table[i].key;
		size_t whole = strlen(known);
		size_t section = size_of_words(known, n_words);
		size_t edits = edit_distance(key, strlen(key), known, section);

		/* The right word in the wrong section is the most likely mistake. */
		if (strcmp(last_word(key), last_word(known)) == 0) {
			section = whole;
			edits = 0;
		}
		if (edits < best) {
			best = edits;
			copy(known, section, out, size);
		}
	}
}
