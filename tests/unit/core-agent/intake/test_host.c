/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "intake/host.h"

static const char debian[] = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
			     "VERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\nID_LIKE=x";

static void quoted_value_of_os_release_is_read(void **state)
{
	char value[HOST_MAX_TEXT];

	(void)state;
	host_parse_os_release(debian, sizeof(debian) - 1, "VERSION_ID", value);
	assert_string_equal(value, "12");
}

static void key_is_not_taken_for_a_part_of_another(void **state)
{
	char value[HOST_MAX_TEXT];

	(void)state;
	host_parse_os_release(debian, sizeof(debian) - 1, "ID", value);
	assert_string_equal(value, "debian");
}

static void last_line_may_lack_its_newline(void **state)
{
	char value[HOST_MAX_TEXT];

	(void)state;
	host_parse_os_release(debian, sizeof(debian) - 1, "ID_LIKE", value);
	assert_string_equal(value, "x");
}

static void missing_key_gives_empty_value(void **state)
{
	char value[HOST_MAX_TEXT] = "old";

	(void)state;
	host_parse_os_release(debian, sizeof(debian) - 1, "BUILD_ID", value);
	assert_string_equal(value, "");
	host_parse_os_release("", 0, "ID", value);
	assert_string_equal(value, "");
}

static void port_range_is_read(void **state)
{
	uint16_t first = 0, last = 0;

	(void)state;
	assert_true(host_parse_port_range("32768\t60999\n", &first, &last));
	assert_int_equal(first, 32768);
	assert_int_equal(last, 60999);
}

static void bad_port_ranges_are_refused(void **state)
{
	uint16_t first = 7, last = 8;

	(void)state;
	assert_false(host_parse_port_range("", &first, &last));
	assert_false(host_parse_port_range("32768", &first, &last));
	assert_false(host_parse_port_range("0 1", &first, &last));
	assert_false(host_parse_port_range("2 1", &first, &last));
	assert_false(host_parse_port_range("1 65536", &first, &last));
	assert_int_equal(first, 7);
	assert_int_equal(last, 8);
}

static void bytes_that_are_not_printable_are_replaced(void **state)
{
	char to[8];

	(void)state;
	host_copy_printable(to, sizeof(to), "a\n\xff" "b", 4);
	assert_string_equal(to, "a__b");
}

static void copy_is_cut_to_fit(void **state)
{
	char to[4];

	(void)state;
	host_copy_printable(to, sizeof(to), "abcdef", 6);
	assert_string_equal(to, "abc");
}

static void own_name_wins_over_the_kernels(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, "web-1.example", "/proc");
	assert_string_equal(host.name, "web-1.example");
	host_init(&host, "", "/proc");
	assert_string_not_equal(host.name, "");
}

static void kernel_is_described(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, "", "/proc");
	assert_string_not_equal(host.kernel_version, "");
	assert_string_not_equal(host.architecture, "");
	assert_string_not_equal(host.platform, "");
}

static void port_range_is_unknown_without_procfs(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, "", "no-such-procfs");
	assert_int_equal(host.ephemeral_first, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoted_value_of_os_release_is_read),
		cmocka_unit_test(key_is_not_taken_for_a_part_of_another),
		cmocka_unit_test(last_line_may_lack_its_newline),
		cmocka_unit_test(missing_key_gives_empty_value),
		cmocka_unit_test(port_range_is_read),
		cmocka_unit_test(bad_port_ranges_are_refused),
		cmocka_unit_test(bytes_that_are_not_printable_are_replaced),
		cmocka_unit_test(copy_is_cut_to_fit),
		cmocka_unit_test(own_name_wins_over_the_kernels),
		cmocka_unit_test(kernel_is_described),
		cmocka_unit_test(port_range_is_unknown_without_procfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
