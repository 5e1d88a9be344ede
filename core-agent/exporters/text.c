/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define REPLACEMENT "\xef\xbf\xbd"

void text_format_time(uint64_t unix_ns, char ret[TEXT_TIME_SIZE])
{
	time_t seconds = (time_t)(unix_ns / NS_PER_S);
	unsigned int ms = (unsigned int)(unix_ns % NS_PER_S / NS_PER_MS);
	struct tm tm;
	size_t n;

	if (!gmtime_r(&seconds, &tm)) /* a 64-bit nanosecond time always fits */
		memset(&tm, 0, sizeof(tm));
	n = strftime(ret, TEXT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret + n, TEXT_TIME_SIZE - n, ".%03uZ", ms % 1000);
}

/* Range of the second byte, which rules out overlong forms, surrogates and > U+10FFFF. */
static bool is_second_byte(unsigned char first, unsigned char second)
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

/* Bytes of the character that `text` begins with; 0: not valid. Stops at the NUL. */
static size_t character_size(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t size;

	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	size = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (!is_second_byte(bytes[0], bytes[1]))
		return 0;
	for (size_t i = 2; i < size; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xbf)
			return 0;
	return size;
}

size_t text_make_utf8(const char *text, char *out, size_t size)
{
	size_t n = 0;

	while (*text) {
		size_t n_in = character_size(text);
		const char *from = n_in ? text : REPLACEMENT;
		size_t n_out = n_in ? n_in : strlen(REPLACEMENT);

		if (n + n_out >= size)
			break;
		memcpy(out + n, from, n_out);
		n += n_out;
		text += n_in ? n_in : 1;
	}
	out[n] = '\0';
	return n;
}

size_t text_utf8_size(const char *text)
{
	size_t n = 0;

	while (*text) {
		size_t n_in = character_size(text);

		n += n_in ? n_in : strlen(REPLACEMENT);
		text += n_in ? n_in : 1;
	}
	return n;
}

size_t text_make_printable(const char *text, size_t width, char *out, size_t size)
{
	size_t n = 0;

	for (; text[n] && n < width && n + 1 < size; n++)
		out[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	out[n] = '\0';
	return n;
}

void text_format_address(enum connection_family family, const uint8_t address[16],
			 char ret[INET6_ADDRSTRLEN])
{
	int domain = family == CONNECTION_IPV4 ? AF_INET : AF_INET6;

	if (!inet_ntop(domain, address, ret, INET6_ADDRSTRLEN)) /* cannot be: room and family fit */
		ret[0] = '\0';
}
