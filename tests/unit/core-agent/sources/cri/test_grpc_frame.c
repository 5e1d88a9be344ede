/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "sources/cri/grpc_frame.h"

static int get(const char *bytes, size_t size, size_t *ret_size)
{
	const uint8_t *message;

	return grpc_frame_get((const uint8_t *)bytes, size, &message, ret_size);
}

static void message_is_what_the_prefix_says(void **state)
{
	static const uint8_t frame[] = {0, 0, 0, 0, 2, 'h', 'i'};
	const uint8_t *message;
	size_t size;

	(void)state;
	assert_int_equal(grpc_frame_get(frame, sizeof(frame), &message, &size), 0);
	assert_ptr_equal(message, frame + 5);
	assert_int_equal(size, 2);
	assert_int_equal(get("\0\0\0\0\0", 5, &size), 0);
	assert_int_equal(size, 0);
}

static void cut_or_second_message_is_refused(void **state)
{
	size_t size;

	(void)state;
	assert_int_equal(get("", 0, &size), -EBADMSG);
	assert_int_equal(get("\0\0\0\0", 4, &size), -EBADMSG);
	assert_int_equal(get("\0\0\0\0\2h", 6, &size), -EBADMSG);
	assert_int_equal(get("\0\0\0\0\1h\0\0\0\0\0", 11, &size), -EBADMSG);
	assert_int_equal(get("\0\377\377\377\377", 5, &size), -EBADMSG);
}

static void compressed_message_is_refused(void **state)
{
	size_t size;

	(void)state;
	assert_int_equal(get("\1\0\0\0\1h", 6, &size), -ENOTSUP);
}

static void prefix_has_the_length_in_network_order(void **state)
{
	static const uint8_t expected[] = {0, 1, 2, 3, 4};
	uint8_t prefix[GRPC_PREFIX_BYTES];

	(void)state;
	grpc_frame_put_prefix(0x01020304, prefix);
	assert_memory_equal(prefix, expected, sizeof(expected));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_is_what_the_prefix_says),
		cmocka_unit_test(cut_or_second_message_is_refused),
		cmocka_unit_test(compressed_message_is_refused),
		cmocka_unit_test(prefix_has_the_length_in_network_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
