/* SPDX-License-Identifier: Apache-2.0 */
#include "tag.h"

#include <stdint.h>
#include <string.h>

#include "exporters/text.h"

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char clean_key_char(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return is_lower(c) || is_digit(c) || strchr("_./-", c) ? c : '_';
}

/* What stands before the first letter is left out. `*ret_end`: what did not fit. */
static size_t format_key(const char *key, char *out, const char **ret_end)
{
	size_t n = 0;

	for (; *key && n < TAG_MAX_KEY_BYTES; key++) {
		char c = clean_key_char(*key);

		if (n > 0 || is_lower(c))
			out[n++] = c;
	}
	*ret_end = key;
	return n;
}

static bool is_separator(char c)
{
	return (uint8_t)c <= ' ' || c == ',' || c == '\x7f';
}

static const char *skip_separators(const char *text)
{
	while (*text && is_separator(*text))
		text++;
	return text;
}

/* U+FFFD, which text_make_utf8() gives for what is not UTF-8, becomes one '_'. */
static size_t replace(char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t n = 0;

	for (const char *from = text; *from;) {
		if (strncmp(from, replacement, sizeof(replacement) - 1) == 0) {
			text[n++] = '_';
			from += sizeof(replacement) - 1;
		} else {
			text[n++] = is_separator(*from) ? '_' : *from;
			from++;
		}
	}
	return n;
}

static size_t trim(const char *text, size_t n)
{
	while (n > 0 && text[n - 1] == '_')
		n--;
	return n;
}

size_t tag_format(const char *key, const char *value, char ret[TAG_SIZE], bool *ret_is_cut)
{
	const char *rest_of_key, *text = skip_separators(value);
	size_t n_key = format_key(key, ret, &rest_of_key);
	char *out = ret + n_key + 1;
	size_t n_value;

	ret[0] = n_key ? ret[0] : '\0';
	if (!n_key)
		return 0;
	n_value = text_make_utf8(text, out, TAG_SIZE - n_key - 1);
	if (ret_is_cut)
		*ret_is_cut = *rest_of_key || text_utf8_size(text) > n_value;
	n_value = trim(out, replace(out));
	if (!n_value) {
		ret[0] = '\0';
		return 0;
	}
	ret[n_key] = ':';
	out[n_value] = '\0';
	return n_key + 1 + n_value;
}
