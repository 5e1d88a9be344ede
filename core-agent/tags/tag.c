/* SPDX-License-Identifier: Apache-2.0 */
#include "tag.h"

#include <stdbool.h>
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

/* What stands before the first letter is left out. */
static size_t format_key(const char *key, char *out)
{
	size_t n = 0;

	for (; *key && n < TAG_MAX_KEY_BYTES; key++) {
		char c = clean_key_char(*key);

		if (n > 0 || is_lower(c))
			out[n++] = c;
	}
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

size_t tag_format(const char *key, const char *value, char ret[TAG_SIZE])
{
	size_t n_key = format_key(key, ret);
	char *out = ret + n_key + 1;
	size_t n_value;

	ret[0] = n_key ? ret[0] : '\0';
	if (!n_key)
		return 0;
	(void)text_make_utf8(skip_separators(value), out, TAG_SIZE - n_key - 1); /* cuts */
	n_value = trim(out, replace(out));
	if (!n_value) {
		ret[0] = '\0';
		return 0;
	}
	ret[n_key] = ':';
	out[n_value] = '\0';
	return n_key + 1 + n_value;
}
