/* SPDX-License-Identifier: Apache-2.0 */
#include "subnets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAC "02:00:00:00:00:01"

static struct subnets subnets;

static int set_up(void **state)
{
	(void)state;
	memset(&subnets, 0, sizeof(subnets));
	assert_int_equal(subnets_add(&subnets, "subnet-a", MAC, "10.0.1.0/24"), 0);
	assert_int_equal(subnets_add(&subnets, "subnet-b", "02:00:00:00:00:02", "10.0.2.64/26"), 0);
	assert_int_equal(subnets_add(&subnets, "subnet-a", MAC, "2001:db8:1::/64"), 0);
	return 0;
}

static const char *route(const char *local, const char *remote)
{
	int domain = strchr(local, ':') ? AF_INET6 : AF_INET;
	uint8_t from[16] = {0}, to[16] = {0};
	const struct subnet *subnet;

	assert_int_equal(inet_pton(domain, local, from), 1);
	assert_int_equal(inet_pton(domain, remote, to), 1);
	subnet = subnets_find_route(
		&subnets, domain == AF_INET6 ? CONNECTION_IPV6 : CONNECTION_IPV4, from, to);
	return subnet ? subnet->id : "";
}

static void subnet_is_that_of_the_local_end(void **state)
{
	(void)state;
	assert_string_equal(route("10.0.1.255", "198.51.100.1"), "subnet-a");
	assert_string_equal(route("10.0.2.64", "198.51.100.1"), "subnet-b");
	assert_string_equal(route("10.0.2.127", "198.51.100.1"), "subnet-b");
	assert_string_equal(route("2001:db8:1::7", "2001:db8:2::7"), "subnet-a");
}

static void local_end_in_no_subnet_has_none(void **state)
{
	(void)state;
	assert_string_equal(route("10.0.2.63", "198.51.100.1"), "");
	assert_string_equal(route("10.0.2.128", "198.51.100.1"), "");
	assert_string_equal(route("127.0.0.1", "198.51.100.1"), "");
	assert_string_equal(route("2001:db8:2::7", "2001:db8:9::7"), "");
}

static void what_needs_no_gateway_has_no_route(void **state)
{
	(void)state;
	assert_string_equal(route("10.0.1.5", "10.0.1.6"), "");
	assert_string_equal(route("10.0.1.5", "10.0.2.70"), "");
	assert_string_equal(route("10.0.1.5", "169.254.169.254"), "");
	assert_string_equal(route("10.0.1.5", "224.0.0.251"), "");
	assert_string_equal(route("2001:db8:1::7", "fe80::1"), "");
	assert_string_equal(route("2001:db8:1::7", "ff02::fb"), "");
}

static void what_is_no_block_is_refused(void **state)
{
	static const char *const blocks[] = {
		"",	       "/",	       "/24",	     "10.0.1.0",     "10.0.1.0/",
		"10.0.1.0/33", "10.0.1.0/0",   "10.0.1/24",  "10.0.1.0/24x", "10.0.1.0/ 24",
		"::/129",      "10.0.1.0/-1",  "x/24",	     "<html>/24",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/64"};

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		assert_int_equal(subnets_add(&subnets, "subnet-a", MAC, blocks[i]), -EINVAL);
	assert_int_equal(subnets.n_blocks, 3);
	assert_int_equal(subnets.n_left_out, 0);
}

static void names_that_no_protobuf_string_may_have_are_refused(void **state)
{
	char long_id[SUBNETS_ID_SIZE + 1];

	(void)state;
	memset(long_id, 'x', sizeof(long_id));
	long_id[SUBNETS_ID_SIZE] = '\0';
	assert_int_equal(subnets_add(&subnets, "subnet-\xff", MAC, "10.0.3.0/24"), -EINVAL);
	assert_int_equal(subnets_add(&subnets, "a b", MAC, "10.0.3.0/24"), -EINVAL);
	assert_int_equal(subnets_add(&subnets, "", MAC, "10.0.3.0/24"), -EINVAL);
	assert_int_equal(subnets_add(&subnets, long_id, MAC, "10.0.3.0/24"), -EINVAL);
	assert_int_equal(subnets_add(&subnets, "subnet-c", MAC "0", "10.0.3.0/24"), -EINVAL);
}

static void subnet_with_two_interfaces_is_of_neither(void **state)
{
	(void)state;
	assert_string_equal(subnets.subnets[0].mac, MAC);
	assert_int_equal(subnets_add(&subnets, "subnet-a", "02:00:00:00:00:03", "10.0.1.0/24"), 0);
	assert_string_equal(subnets.subnets[0].mac, "");
}

static void blocks_and_subnets_beyond_the_maximum_are_counted(void **state)
{
	char id[16];

	(void)state;
	for (int i = 2; i < SUBNETS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "subnet-%d", i);
		assert_int_equal(subnets_add(&subnets, id, MAC, "10.0.3.0/24"), 0);
	}
	assert_int_equal(subnets_add(&subnets, "subnet-z", MAC, "10.0.3.0/24"), -ENOSPC);
	for (size_t i = subnets.n_blocks; i < SUBNETS_MAX_BLOCKS; i++)
		assert_int_equal(subnets_add(&subnets, "subnet-a", MAC, "10.0.3.0/24"), 0);
	assert_int_equal(subnets_add(&subnets, "subnet-a", MAC, "10.0.3.0/24"), -ENOSPC);
	assert_int_equal(subnets.n_left_out, 2);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(subnet_is_that_of_the_local_end),
		TEST(local_end_in_no_subnet_has_none),
		TEST(what_needs_no_gateway_has_no_route),
		TEST(what_is_no_block_is_refused),
		TEST(names_that_no_protobuf_string_may_have_are_refused),
		TEST(subnet_with_two_interfaces_is_of_neither),
		TEST(blocks_and_subnets_beyond_the_maximum_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
