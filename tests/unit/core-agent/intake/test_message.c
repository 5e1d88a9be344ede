/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "intake/message.h"

#define RES_COLLECTOR "\x0a\x02\x20\x17" /* header { type: 23 } */
#define FROM(literal) ((const uint8_t *)(literal)), sizeof(literal) - 1

static const char header_v3_plain[16] = "\x03\x00\x17";
static const char header_v3_zstd[16] = "\x03\x04\x17";

static int decode(const char *header, size_t header_size, const void *body, size_t size,
		  char **ret_complaint)
{
	uint8_t *bytes = malloc(header_size + size);
	int result;

	memcpy(bytes, header, header_size);
	memcpy(bytes + header_size, body, size);
	*ret_complaint = NULL;
	result = message_decode_reply(bytes, header_size + size, ret_complaint);
	free(bytes);
	return result;
}

static void encoded_message_starts_with_the_header_of_connections(void **state)
{
	static const uint8_t expected[16] = {3, 4, 22};
	uint8_t *bytes;
	size_t size;

	(void)state;
	assert_int_equal(message_encode(MESSAGE_CONNECTIONS, FROM("body"), &bytes, &size), 0);
	assert_memory_equal(bytes, expected, 16);
	free(bytes);
}

static void body_is_a_zstd_frame(void **state)
{
	char plain[16];
	uint8_t *bytes;
	size_t size;

	(void)state;
	assert_int_equal(message_encode(MESSAGE_CONNECTIONS, FROM("body"), &bytes, &size), 0);
	assert_int_equal(ZSTD_decompress(plain, sizeof(plain), bytes + 16, size - 16), 4);
	assert_memory_equal(plain, "body", 4);
	free(bytes);
}

static void body_over_the_maximum_is_not_encoded(void **state)
{
	static const uint8_t body[MESSAGE_MAX_BODY_BYTES + 1];
	uint8_t *bytes = NULL;
	size_t size;

	(void)state;
	assert_int_equal(message_encode(MESSAGE_CONNECTIONS, body, sizeof(body), &bytes, &size),
			 -EMSGSIZE);
	assert_null(bytes);
}

static void plain_reply_without_complaint_is_good(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode(header_v3_plain, 16, RES_COLLECTOR, 4, &complaint), 0);
	assert_string_equal(complaint, "");
	free(complaint);
}

static void complaint_is_handed_out(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode(header_v3_plain, 16, "\x12\x04oops", 6, &complaint), 0);
	assert_string_equal(complaint, "oops");
	free(complaint);
}

static void compressed_reply_is_read(void **state)
{
	char *complaint;
	uint8_t body[64];
	size_t size = ZSTD_compress(body, sizeof(body), "\x12\x04oops", 6, 1);

	(void)state;
	assert_int_equal(decode(header_v3_zstd, 16, body, size, &complaint), 0);
	assert_string_equal(complaint, "oops");
	free(complaint);
}

static void short_headers_of_older_versions_are_read(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode("\x01\x00\x17\x00", 4, "\x12\x01x", 3, &complaint), 0);
	assert_string_equal(complaint, "x");
	free(complaint);
	assert_int_equal(decode("\x02\x00\x17\x00\x00\x00\x00\x00", 8, "\x12\x01y", 3, &complaint),
			 0);
	assert_string_equal(complaint, "y");
	free(complaint);
}

static void four_bytes_are_no_message(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode("\x01\x00\x17\x00", 4, "", 0, &complaint), -EBADMSG);
}

static void header_cut_short_is_refused(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode(header_v3_plain, 15, "", 0, &complaint), -EBADMSG);
}

static void unknown_version_is_refused(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode("\x04\x00\x17\x00", 4, RES_COLLECTOR, 4, &complaint),
			 -EPROTONOSUPPORT);
	assert_int_equal(decode("\x00\x00\x17\x00", 4, RES_COLLECTOR, 4, &complaint),
			 -EPROTONOSUPPORT);
}

static void unknown_encoding_is_refused(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode("\x01\x02\x17\x00", 4, RES_COLLECTOR, 4, &complaint),
			 -EPROTONOSUPPORT);
}

static void message_of_another_type_is_refused(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode("\x01\x00\x16\x00", 4, RES_COLLECTOR, 4, &complaint), -EPROTO);
}

static void body_that_is_no_frame_is_refused(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode(header_v3_zstd, 16, "garbage", 7, &complaint), -EBADMSG);
}

static void body_that_is_no_protobuf_is_refused(void **state)
{
	char *complaint;

	(void)state;
	assert_int_equal(decode(header_v3_plain, 16, "\x12\x7f", 2, &complaint), -EBADMSG);
}

static void reply_that_unpacks_to_too_much_is_refused(void **state)
{
	static const uint8_t plain[MESSAGE_MAX_REPLY_BYTES + 1];
	uint8_t body[1024];
	size_t size = ZSTD_compress(body, sizeof(body), plain, sizeof(plain), 1);
	char *complaint;

	(void)state;
	assert_int_equal(decode(header_v3_zstd, 16, body, size, &complaint), -EMSGSIZE);
}

static void reply_over_the_maximum_is_refused(void **state)
{
	static const uint8_t body[MESSAGE_MAX_REPLY_BYTES];
	char *complaint;

	(void)state;
	assert_int_equal(decode(header_v3_plain, 16, body, sizeof(body), &complaint), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encoded_message_starts_with_the_header_of_connections),
		cmocka_unit_test(body_is_a_zstd_frame),
		cmocka_unit_test(body_over_the_maximum_is_not_encoded),
		cmocka_unit_test(plain_reply_without_complaint_is_good),
		cmocka_unit_test(complaint_is_handed_out),
		cmocka_unit_test(compressed_reply_is_read),
		cmocka_unit_test(short_headers_of_older_versions_are_read),
		cmocka_unit_test(four_bytes_are_no_message),
		cmocka_unit_test(header_cut_short_is_refused),
		cmocka_unit_test(unknown_version_is_refused),
		cmocka_unit_test(unknown_encoding_is_refused),
		cmocka_unit_test(message_of_another_type_is_refused),
		cmocka_unit_test(body_that_is_no_frame_is_refused),
		cmocka_unit_test(body_that_is_no_protobuf_is_refused),
		cmocka_unit_test(reply_that_unpacks_to_too_much_is_refused),
		cmocka_unit_test(reply_over_the_maximum_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
