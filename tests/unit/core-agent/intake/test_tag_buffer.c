/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "intake/tag_buffer.h"

/* The vector of the published encoder for dummy, web_prod, prod_web, prod. */
static const uint8_t published[] =
	"\x03\x1f\x00\x00\x00\x01\x00-\x08\x00"
	"env:prod\x0b\x00"
	"service:web\x01\x00\x05\x00\x00\x00\x02\x00\x08\x00\x00\x00\x12\x00\x00\x00\x01\x00"
	"\x08\x00\x00\x00";

static const char *const dummy[] = {"-"};
static const char *const web_prod[] = {"service:web", "env:prod"};
static const char *const prod_web[] = {"env:prod", "service:web"};
static const char *const prod[] = {"env:prod"};

static int32_t add(struct tag_buffer *buffer, const char *const *tags, size_t n)
{
	int32_t index = INT32_MIN;

	assert_int_equal(tag_buffer_add(buffer, tags, n, &index), 0);
	return index;
}

static void bytes_are_those_of_the_published_encoder(void **state)
{
	struct tag_buffer *buffer = tag_buffer_new(1000);
	uint8_t *bytes;
	size_t size;

	(void)state;
	assert_int_equal(add(buffer, dummy, 1), 0);
	assert_int_equal(add(buffer, web_prod, 2), 6);
	assert_int_equal(add(buffer, prod_web, 2), 6);
	assert_int_equal(add(buffer, prod, 1), 16);

	assert_int_equal(tag_buffer_encode(buffer, &bytes, &size), 0);
	assert_int_equal(size, sizeof(published) - 1);
	assert_memory_equal(bytes, published, size);
	free(bytes);
	tag_buffer_free(buffer);
}

static void empty_set_has_no_index(void **state)
{
	struct tag_buffer *buffer = tag_buffer_new(1000);

	(void)state;
	assert_int_equal(add(buffer, NULL, 0), TAG_BUFFER_NONE);
	tag_buffer_free(buffer);
}

static void repeated_tag_counts_once(void **state)
{
	static const char *const twice[] = {"env:prod", "env:prod"};
	struct tag_buffer *buffer = tag_buffer_new(1000);

	(void)state;
	add(buffer, dummy, 1);
	assert_int_equal(add(buffer, prod, 1), add(buffer, twice, 2));
	tag_buffer_free(buffer);
}

static void longer_tag_is_not_taken_for_its_prefix(void **state)
{
	static const char *const longer[] = {"env:production"};
	struct tag_buffer *buffer = tag_buffer_new(1000);

	(void)state;
	assert_int_not_equal(add(buffer, prod, 1), add(buffer, longer, 1));
	tag_buffer_free(buffer);
}

static void set_over_the_maximum_is_refused(void **state)
{
	struct tag_buffer *buffer = tag_buffer_new(5 + 2 + 8 + 2 + 4 - 1);
	int32_t index = INT32_MIN;

	(void)state;
	assert_int_equal(tag_buffer_add(buffer, prod, 1, &index), -ENOSPC);
	assert_int_equal(index, INT32_MIN);
	tag_buffer_free(buffer);
}

static void buffer_may_be_filled_to_the_last_byte(void **state)
{
	struct tag_buffer *buffer = tag_buffer_new(5 + 2 + 8 + 2 + 4);

	(void)state;
	assert_int_equal(add(buffer, prod, 1), 0);
	tag_buffer_free(buffer);
}

static void long_tag_is_cut_at_its_maximum(void **state)
{
	struct tag_buffer *buffer = tag_buffer_new(1000000);
	char *text = calloc(1, TAG_BUFFER_MAX_TAG_BYTES + 10);
	const char *const tags[] = {text};
	uint8_t *bytes;
	size_t size;

	(void)state;
	memset(text, 'x', TAG_BUFFER_MAX_TAG_BYTES + 9);
	add(buffer, tags, 1);

	assert_int_equal(tag_buffer_encode(buffer, &bytes, &size), 0);
	assert_int_equal(size, 5 + 2 + TAG_BUFFER_MAX_TAG_BYTES + 2 + 4);
	assert_int_equal(bytes[5] | bytes[6] << 8, TAG_BUFFER_MAX_TAG_BYTES);
	free(bytes);
	free(text);
	tag_buffer_free(buffer);
}

static void set_is_cut_at_its_maximum(void **state)
{
	enum { N = TAG_BUFFER_MAX_TAGS + 10 };
	struct tag_buffer *buffer = tag_buffer_new(10000000);
	char(*text)[8] = calloc(N, sizeof(*text));
	const char **tags = calloc(N, sizeof(*tags));
	uint8_t *bytes;
	size_t size;

	(void)state;
	for (int i = 0; i < N; i++) {
		for (int digit = 0; digit < 7; digit++)
			text[i][digit] = (char)('a' + (i >> (3 * digit) & 7));
		tags[i] = text[i];
	}
	add(buffer, tags, N);

	assert_int_equal(tag_buffer_encode(buffer, &bytes, &size), 0);
	assert_int_equal(size, 5 + TAG_BUFFER_MAX_TAGS * (2 + 7) + 2 + TAG_BUFFER_MAX_TAGS * 4);
	free(bytes);
	free(tags);
	free(text);
	tag_buffer_free(buffer);
}

static void checksum_is_that_of_the_published_encoder(void **state)
{
	(void)state;
	assert_int_equal(tag_buffer_checksum(prod_web, 2), 0x8f71195d);
	assert_int_equal(tag_buffer_checksum(web_prod, 2), 0x8f71195d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_those_of_the_published_encoder),
		cmocka_unit_test(empty_set_has_no_index),
		cmocka_unit_test(repeated_tag_counts_once),
		cmocka_unit_test(longer_tag_is_not_taken_for_its_prefix),
		cmocka_unit_test(set_over_the_maximum_is_refused),
		cmocka_unit_test(buffer_may_be_filled_to_the_last_byte),
		cmocka_unit_test(long_tag_is_cut_at_its_maximum),
		cmocka_unit_test(set_is_cut_at_its_maximum),
		cmocka_unit_test(checksum_is_that_of_the_published_encoder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
