/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct head {
	struct request *request;
	size_t n_headers;
	bool has_length;
	bool has_authorization;
	bool has_host;
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Length of the decoded text, NUL-terminated, or -EINVAL. */
static int decode(const char *bytes, size_t size, bool is_form, char *out, size_t out_size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		char c = bytes[i];

		if (c == '%') {
			int high = size - i > 2 ? digit_of(bytes[i + 1]) : -1;
			int low = size - i > 2 ? digit_of(bytes[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && is_form) {
			c = ' ';
		}
		if (c == '\0' || n + 1 >= out_size)
			return -EINVAL;
		out[n++] = c;
	}
	out[n] = '\0';
	return (int)n;
}

/* tchar of RFC 9110, 5.6.2 */
static bool is_token(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return size > 0;
}

static bool is_name(struct request_span span, const char *name)
{
	return span.size == strlen(name) && strncasecmp(span.bytes, name, span.size) == 0;
}

static int parse_target(const char *bytes, size_t size, struct request *request)
{
	const char *question = memchr(bytes, '?', size);
	size_t path_size = question ? (size_t)(question - bytes) : size;

	if (size == 0 || bytes[0] != '/')
		return -400;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)bytes[i] <= ' ' || (unsigned char)bytes[i] >= 0x7f ||
		    bytes[i] == '#')
			return -400;
	if (path_size >= sizeof(request->path))
		return -414;
	if (decode(bytes, path_size, false, request->path, sizeof(request->path)) < 0)
		return -400;
	if (question)
		request->query = (struct request_span){question + 1, size - path_size - 1};
	return 0;
}

static int parse_method(const char *bytes, size_t size, struct request *request)
{
	if (size == 3 && memcmp(bytes, "GET", 3) == 0)
		return 0;
	request->is_post = size == 4 && memcmp(bytes, "POST", 4) == 0;
	if (request->is_post)
		return 0;
	return is_token(bytes, size) ? -405 : -400;
}

/* METHOD SP TARGET SP VERSION */
static int parse_request_line(const char *line, size_t size, struct request *request)
{
	const char *end = line + size;
	const char *target = memchr(line, ' ', size);
	const char *version = target ? memchr(target + 1, ' ', (size_t)(end - target - 1)) : NULL;
	int r;

	if (!version || end - version != 9 || memcmp(version + 1, "HTTP/", 5) != 0)
		return -400;
	r = parse_method(line, (size_t)(target - line), request);
	if (r < 0)
		return r;
	if (memcmp(version + 6, "1.1", 3) == 0)
		request->is_keep_alive = request->has_chunks = true;
	else if (memcmp(version + 6, "1.0", 3) != 0)
		return -505;
	return parse_target(target + 1, (size_t)(version - target - 1), request);
}

static int parse_length(struct request_span value, struct head *head)
{
	size_t length = 0;

	if (head->has_length || value.size == 0 || value.size > 18)
		return -400;
	for (size_t i = 0; i < value.size; i++) {
		if (value.bytes[i] < '0' || value.bytes[i] > '9')
			return -400;
		length = length * 10 + (size_t)(value.bytes[i] - '0');
	}
	head->has_length = true;
	head->request->body_size = length;
	return length > REQUEST_MAX_BODY_BYTES ? -413 : 0;
}

static bool has_word(struct request_span value, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= value.size; i++)
		if (strncasecmp(value.bytes + i, word, size) == 0)
			return true;
	return false;
}

static int take_header(struct request_span name, struct request_span value, struct head *head)
{
	struct request *request = head->request;

	if (is_name(name, "content-length"))
		return parse_length(value, head);
	if (is_name(name, "transfer-encoding"))
		return -411;
	if (is_name(name, "expect"))
		return -417;
	if (is_name(name, "authorization")) {
		if (head->has_authorization)
			return -400;
		head->has_authorization = true;
		request->authorization = value;
	} else if (is_name(name, "connection") && has_word(value, "close")) {
		request->is_keep_alive = false;
	} else if (is_name(name, "host")) {
		if (head->has_host)
			return -400;
		head->has_host = true;
	}
	return 0;
}

static bool is_text(struct request_span value)
{
	for (size_t i = 0; i < value.size; i++) {
		unsigned char c = (unsigned char)value.bytes[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int parse_header(const char *line, size_t size, struct head *head)
{
	const char *colon = memchr(line, ':', size);
	struct request_span name = {line, colon ? (size_t)(colon - line) : 0}, value;

	if (!colon || !is_token(line, name.size)) /* a folded line begins with a space */
		return -400;
	value = (struct request_span){colon + 1, size - name.size - 1};
	while (value.size > 0 && is_blank(*value.bytes)) {
		value.bytes++;
		value.size--;
	}
	while (value.size > 0 && is_blank(value.bytes[value.size - 1]))
		value.size--;
	if (!is_text(value))
		return -400;
	return ++head->n_headers > REQUEST_MAX_HEADERS ? -431 : take_header(name, value, head);
}

/* `bytes` to `end` are whole lines, each ended by CR LF. */
static int parse_lines(const char *bytes, const char *end, struct request *request)
{
	struct head head = {.request = request};
	bool is_first = true;

	while (bytes < end) {
		const char *line_end = memmem(bytes, (size_t)(end - bytes), "\r\n", 2);
		size_t size = (size_t)(line_end - bytes);
		int r = is_first ? parse_request_line(bytes, size, request)
				 : parse_header(bytes, size, &head);

		if (r < 0)
			return r;
		is_first = false;
		bytes = line_end + 2;
	}
	return 0;
}

int request_parse(const char *bytes, size_t size, struct request *ret)
{
	size_t limit = size < REQUEST_MAX_HEAD_BYTES ? size : REQUEST_MAX_HEAD_BYTES;
	const char *end = limit > 0 ? memmem(bytes, limit, "\r\n\r\n", 4) : NULL;

	if (!end)
		return size >= REQUEST_MAX_HEAD_BYTES ? -431 : 1;
	memset(ret, 0, sizeof(*ret));
	ret->head_size = (size_t)(end - bytes) + 4;
	return parse_lines(bytes, end + 2, ret);
}

int request_next_parameter(struct request_span *rest, char *name, size_t name_size, char *value,
			   size_t value_size)
{
	const char *end, *equals;
	size_t size;

	while (rest->size > 0 && *rest->bytes == '&') {
		rest->bytes++;
		rest->size--;
	}
	if (rest->size == 0)
		return 0;
	end = memchr(rest->bytes, '&', rest->size);
	size = end ? (size_t)(end - rest->bytes) : rest->size;
	equals = memchr(rest->bytes, '=', size);
	if (decode(rest->bytes, equals ? (size_t)(equals - rest->bytes) : size, true, name,
		   name_size) < 0)
		return -EINVAL;
	*value = '\0';
	if (equals && decode(equals + 1, size - (size_t)(equals - rest->bytes) - 1, true, value,
			     value_size) < 0)
		return -EINVAL;
	rest->bytes += size;
	rest->size -= size;
	return 1;
}
