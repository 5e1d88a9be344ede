/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "utf8.h"

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

/* Bytes of the character that `text` begins with; 0: not valid. Stops at the NUL. */
static size_t character_size(const char *text)
{
	return utf8_character_size(text, strnlen(text, UTF8_MAX_BYTES));
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
