/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include <stdbool.h>
#include <stdint.h>

/* Range of the second byte, which rules out overlong forms, surrogates and > U+10FFFF. */
static bool is_second_byte(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return second >= 0x80 && second <= 0xbf;
	}
}

size_t utf8_character_size(const void *text, size_t size)
{
	const uint8_t *bytes = text;
	size_t wanted;

	if (size == 0)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	wanted = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (size < wanted || !is_second_byte(bytes[0], bytes[1]))
		return 0;
	for (size_t i = 2; i < wanted; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xbf)
			return 0;
	return wanted;
}

void utf8_replace_invalid(void *text, size_t size)
{
	uint8_t *bytes = text;

	for (size_t i = 0; i < size;) {
		size_t n = utf8_character_size(bytes + i, size - i);

		if (n == 0)
			bytes[i] = '?';
		i += n ? n : 1;
	}
}
