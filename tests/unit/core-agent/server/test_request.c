/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, struct request *ret)
{
	return request_parse(text, strlen(text), ret);
}

static void assert_refused(const char *text, int status)
{
	struct request request;

	assert_int_equal(parse(text, &request), -status);
}

static void assert_span(struct request_span span, const char *wanted)
{
	assert_int_equal(span.size, strlen(wanted));
	assert_memory_equal(span.bytes, wanted, span.size);
}

static void a_whole_head_is_taken_apart(void **state)
{
	static const char text[] = "POST /agent/a%20b?x=1&y HTTP/1.1\r\nHost: localhost\r\n"
				   "authorization:  Bearer t \r\nContent-Length: 3\r\n\r\nabcd";
	struct request request;

	(void)state;
	assert_int_equal(parse(text, &request), 0);
	assert_true(request.is_post);
	assert_true(request.is_keep_alive);
	assert_true(request.has_chunks);
	assert_string_equal(request.path, "/agent/a b");
	assert_span(request.query, "x=1&y");
	assert_span(request.authorization, "Bearer t");
	assert_int_equal(request.body_size, 3);
	assert_int_equal(request.head_size, strlen(text) - 4);
}

static void every_beginning_of_a_good_head_asks_for_more(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct request request;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(request_parse(text, i, &request), 1);
	assert_int_equal(request_parse(text, sizeof(text) - 1, &request), 0);
}

static void keep_alive_ends_with_close_and_with_http_1_0(void **state)
{
	struct request request;

	(void)state;
	assert_int_equal(parse("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n", &request), 0);
	assert_false(request.is_keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", &request), 0);
	assert_false(request.is_keep_alive);
	assert_false(request.has_chunks);
}

static void malformed_heads_are_refused(void **state)
{
	(void)state;
	assert_refused("\r\n\r\n", 400);
	assert_refused("GET /\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1 x\r\n\r\n", 400);
	assert_refused("GET  / HTTP/1.1\r\n\r\n", 400);
	assert_refused("GET agent HTTP/1.1\r\n\r\n", 400);
	assert_refused("GET http://x/ HTTP/1.1\r\n\r\n", 400);
	assert_refused("GET /%zz HTTP/1.1\r\n\r\n", 400);
	assert_refused("GET /%4 HTTP/1.1\r\n\r\n", 400);
	assert_refused("GET /%00 HTTP/1.1\r\n\r\n", 400);
	assert_refused("GET /\x80 HTTP/1.1\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nName : x\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nA: b\nB: c\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400);
}

static void lengths_that_two_readers_could_read_differently_are_refused(void **state)
{
	(void)state;
	assert_refused("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400);
	assert_refused("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400);
	assert_refused("POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400);
	assert_refused("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400);
	assert_refused("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400);
	assert_refused("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411);
}

static void what_is_not_spoken_here_has_its_own_status(void **state)
{
	(void)state;
	assert_refused("DELETE / HTTP/1.1\r\n\r\n", 405);
	assert_refused("GET / HTTP/2.0\r\n\r\n", 505);
	assert_refused("POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", 417);
	assert_refused("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", 413);
}

static void a_nul_is_no_text(void **state)
{
	static const char in_value[] = "GET / HTTP/1.1\r\nA: b\0\r\n\r\n";
	static const char in_method[] = "G\0T / HTTP/1.1\r\n\r\n";
	struct request request;

	(void)state;
	assert_int_equal(request_parse(in_value, sizeof(in_value) - 1, &request), -400);
	assert_int_equal(request_parse(in_method, sizeof(in_method) - 1, &request), -400);
}

static void a_head_may_have_so_many_bytes_and_lines(void **state)
{
	char text[REQUEST_MAX_HEAD_BYTES + 1];
	struct request request;
	size_t size;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(request_parse(text, REQUEST_MAX_HEAD_BYTES - 1, &request), 1);
	assert_int_equal(request_parse(text, REQUEST_MAX_HEAD_BYTES, &request), -431);
	size = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n");
	for (int i = 0; i <= REQUEST_MAX_HEADERS; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "a: b\r\n");
	(void)snprintf(text + size, sizeof(text) - size, "\r\n");
	assert_refused(text, 431);
}

static void a_path_may_be_so_long(void **state)
{
	char text[REQUEST_MAX_PATH_BYTES + 64];
	struct request request;

	(void)state;
	(void)snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n\r\n", REQUEST_MAX_PATH_BYTES - 2, 0);
	assert_int_equal(parse(text, &request), 0);
	(void)snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n\r\n", REQUEST_MAX_PATH_BYTES - 1, 0);
	assert_refused(text, 414);
}

static void parameters_come_one_by_one_and_decoded(void **state)
{
	static const char query[] = "a=1&&b%3d=x%20y+z&c&=d";
	struct request_span rest = {query, sizeof(query) - 1};
	char name[8], value[8];

	(void)state;
	assert_int_equal(request_next_parameter(&rest, name, 8, value, 8), 1);
	assert_string_equal(name, "a");
	assert_string_equal(value, "1");
	assert_int_equal(request_next_parameter(&rest, name, 8, value, 8), 1);
	assert_string_equal(name, "b=");
	assert_string_equal(value, "x y z");
	assert_int_equal(request_next_parameter(&rest, name, 8, value, 8), 1);
	assert_string_equal(name, "c");
	assert_string_equal(value, "");
	assert_int_equal(request_next_parameter(&rest, name, 8, value, 8), 1);
	assert_string_equal(name, "");
	assert_int_equal(request_next_parameter(&rest, name, 8, value, 8), 0);
}

static void a_parameter_beyond_its_buffer_is_refused(void **state)
{
	struct request_span rest = {"name=12345678", 13};
	char name[8], value[8];

	(void)state;
	assert_int_equal(request_next_parameter(&rest, name, 8, value, 8), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_head_is_taken_apart),
		cmocka_unit_test(every_beginning_of_a_good_head_asks_for_more),
		cmocka_unit_test(keep_alive_ends_with_close_and_with_http_1_0),
		cmocka_unit_test(malformed_heads_are_refused),
		cmocka_unit_test(lengths_that_two_readers_could_read_differently_are_refused),
		cmocka_unit_test(what_is_not_spoken_here_has_its_own_status),
		cmocka_unit_test(a_nul_is_no_text),
		cmocka_unit_test(a_head_may_have_so_many_bytes_and_lines),
		cmocka_unit_test(a_path_may_be_so_long),
		cmocka_unit_test(parameters_come_one_by_one_and_decoded),
		cmocka_unit_test(a_parameter_beyond_its_buffer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
