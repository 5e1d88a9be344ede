/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/netns_scan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SNMP                                                                                  \
	"Ip: Forwarding DefaultTTL\nIp: 1 64\n"                                              \
	"Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails\n"    \
	"Tcp: 1 200 120000 -1 17 25 3\n"                                                     \
	"Udp: InDatagrams\nUdp: 5\n"

static void mount_of_a_namespace_is_recognized(void **state)
{
	char path[64];

	(void)state;
	assert_int_equal(netns_scan_parse_mount("163 42 0:4 net:[4026532318] /run/netns/left rw "
						"shared:5 - nsfs nsfs rw\n",
						path, sizeof(path)),
			 4026532318);
	assert_string_equal(path, "/run/netns/left");
}

static void escapes_in_the_path_are_undone(void **state)
{
	char path[64];

	(void)state;
	assert_int_equal(netns_scan_parse_mount("1 2 0:4 net:[7] /a\\040b\\134\\011 rw - nsfs nsfs rw",
						path, sizeof(path)),
			 7);
	assert_string_equal(path, "/a b\\\t");
}

static void path_that_is_too_long_is_cut(void **state)
{
	char path[8];

	(void)state;
	assert_int_equal(netns_scan_parse_mount("1 2 0:4 net:[7] /abcdefghijk rw - nsfs nsfs rw", path,
						sizeof(path)),
			 7);
	assert_string_equal(path, "/abcdef");
}

static void other_mounts_are_none(void **state)
{
	static const char *const lines[] = {
		"25 1 0:23 / /proc rw,nosuid - proc proc rw\n",
		"163 42 0:4 mnt:[4026532318] /run/mnt rw - nsfs nsfs rw\n",
		"163 42 0:4 net:[4026532318]",
		"163 42",
		"",
	};
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(netns_scan_parse_mount(lines[i], path, sizeof(path)), 0);
}

static void opens_are_those_of_both_ends(void **state)
{
	uint64_t opens = 0;

	(void)state;
	assert_int_equal(netns_scan_parse_opens(SNMP, &opens), 0);
	assert_int_equal(opens, 17 + 25);
}

static void text_without_them_is_refused(void **state)
{
	uint64_t opens = 1;

	(void)state;
	assert_int_equal(netns_scan_parse_opens("", &opens), -EBADMSG);
	assert_int_equal(netns_scan_parse_opens("Ip: 1\nTcp: ActiveOpens\n", &opens), -EBADMSG);
	assert_int_equal(netns_scan_parse_opens("Ip: 1\nTcp: ActiveOpens\nTcp: 1\n", &opens),
			 -EBADMSG);
	assert_int_equal(opens, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mount_of_a_namespace_is_recognized),
		cmocka_unit_test(escapes_in_the_path_are_undone),
		cmocka_unit_test(path_that_is_too_long_is_cut),
		cmocka_unit_test(other_mounts_are_none),
		cmocka_unit_test(opens_are_those_of_both_ends),
		cmocka_unit_test(text_without_them_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
