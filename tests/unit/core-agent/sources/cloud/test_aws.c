/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "exchange_fixture.h"

#define TOKEN {"/latest/api/token", "AQAEALtoken=="}
#define DOCUMENT                                                                                   \
	{"/latest/dynamic/instance-identity/document",                                             \
	 "{\"accountId\":\"123456789012\",\"availabilityZone\":\"us-west-2b\","                    \
	 "\"imageId\":\"ami-5fb8c835\",\"instanceId\":\"i-1234567890abcdef0\","                    \
	 "\"instanceType\":\"m5.large\",\"region\":\"us-west-2\"}"}
#define MACS "/latest/meta-data/network/interfaces/macs/"
#define TAGS "/latest/meta-data/tags/instance/"

static struct cloud_exchange exchange;

static void begin(const char *own_mac)
{
	cloud_exchange_init(&exchange, &cloud_aws, false, own_mac);
}

static int talk(const struct page *pages)
{
	return exchange_fixture_talk(&exchange, &cloud_aws, NULL, pages);
}

static void document_has_most_of_the_facts(void **state)
{
	const struct page pages[] = {TOKEN, DOCUMENT, {NULL, NULL}};

	(void)state;
	begin("");
	assert_true(talk(pages) > 0);
	assert_string_equal(exchange.facts.provider, "aws");
	assert_string_equal(exchange.facts.values[CLOUD_INSTANCE_ID], "i-1234567890abcdef0");
	assert_string_equal(exchange.facts.values[CLOUD_INSTANCE_TYPE], "m5.large");
	assert_string_equal(exchange.facts.values[CLOUD_IMAGE], "ami-5fb8c835");
	assert_string_equal(exchange.facts.values[CLOUD_ZONE], "us-west-2b");
	assert_string_equal(exchange.facts.values[CLOUD_REGION], "us-west-2");
	assert_string_equal(exchange.facts.values[CLOUD_AWS_ACCOUNT], "123456789012");
	assert_string_equal(exchange.facts.values[CLOUD_NETWORK_ID], "");
}

static void token_is_put_and_then_in_each_request(void **state)
{
	const struct cloud_answer token = {.body = "abc=", .size = 4};
	struct cloud_request request;

	(void)state;
	begin("");
	assert_true(cloud_aws.next(&exchange, &request));
	assert_string_equal(request.method, "PUT");
	assert_string_equal(request.header, "X-aws-ec2-metadata-token-ttl-seconds: 300");
	assert_int_equal(cloud_aws.take(&exchange, &token), 0);
	assert_true(cloud_aws.next(&exchange, &request));
	assert_null(request.method);
	assert_string_equal(request.header, "X-aws-ec2-metadata-token: abc=");
}

static void token_that_would_end_the_header_is_refused(void **state)
{
	static const char *const tokens[] = {"", "a\r\nHost: b", "a b", "\x7f"};

	(void)state;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		const struct page pages[] = {{"/latest/api/token", tokens[i]}, DOCUMENT,
					     {NULL, NULL}};

		begin("");
		assert_int_equal(talk(pages), -EBADMSG);
	}
}

static void network_is_that_of_the_interface_with_the_default_route(void **state)
{
	const struct page pages[] = {TOKEN, DOCUMENT,
				     {MACS, "02:00:00:00:00:01/\n02:00:00:00:00:0F/"},
				     {"/latest/meta-data/mac", "02:00:00:00:00:01"},
				     {MACS "02:00:00:00:00:01/vpc-id", "vpc-1"},
				     {MACS "02:00:00:00:00:0F/vpc-id", "vpc-2"},
				     {MACS "02:00:00:00:00:0F/subnet-id", "subnet-2"},
				     {NULL, NULL}};

	(void)state;
	begin("02:00:00:00:00:0f");
	assert_true(talk(pages) > 0);
	assert_string_equal(exchange.facts.values[CLOUD_NETWORK_ID], "vpc-2");
	assert_string_equal(exchange.facts.values[CLOUD_SUBNET_ID], "subnet-2");
}

static void interface_of_a_pod_gives_way_to_the_first_one(void **state)
{
	const struct page pages[] = {TOKEN, DOCUMENT,
				     {MACS, "02:00:00:00:00:01/"},
				     {"/latest/meta-data/mac", "02:00:00:00:00:01"},
				     {MACS "02:00:00:00:00:01/vpc-id", "vpc-1"},
				     {NULL, NULL}};

	(void)state;
	begin("76:aa:bb:cc:dd:ee");
	assert_true(talk(pages) > 0);
	assert_string_equal(exchange.facts.values[CLOUD_NETWORK_ID], "vpc-1");
}

static void what_is_no_address_never_gets_into_a_path(void **state)
{
	const struct page pages[] = {TOKEN, DOCUMENT,
				     {"/latest/meta-data/mac", "../../../latest/a"},
				     {NULL, NULL}};

	(void)state;
	begin("");
	assert_int_equal(talk(pages), 5); /* token, document, macs, mac, tag keys */
}

static void assert_subnet(size_t block, const char *id, const char *mac)
{
	const struct subnets *subnets = &exchange.facts.subnets;
	const struct subnet *subnet = &subnets->subnets[subnets->blocks[block].subnet];

	assert_true(block < subnets->n_blocks);
	assert_string_equal(subnet->id, id);
	assert_string_equal(subnet->mac, mac);
}

#define FIRST "02:00:00:00:00:01"
#define SECOND "02:00:00:00:00:02"
#define TWO_INTERFACES                                                                             \
	TOKEN, DOCUMENT, {MACS, FIRST "/\n" SECOND "/"}, {"/latest/meta-data/mac", FIRST},         \
		{MACS FIRST "/subnet-id", "subnet-1"},                                             \
		{MACS FIRST "/subnet-ipv4-cidr-block", "10.0.1.0/24"},                             \
		{MACS SECOND "/subnet-id", "subnet-2"},                                            \
		{MACS SECOND "/subnet-ipv4-cidr-block", "10.0.2.0/24"},                            \
		{MACS SECOND "/subnet-ipv6-cidr-blocks", "2001:db8:1::/64\n2001:db8:2::/64"}

static void subnets_are_those_of_all_interfaces(void **state)
{
	const struct page pages[] = {TWO_INTERFACES, {NULL, NULL}};

	(void)state;
	begin("");
	assert_true(talk(pages) > 0);
	assert_int_equal(exchange.facts.subnets.n_blocks, 4);
	assert_subnet(0, "subnet-1", FIRST);
	assert_subnet(1, "subnet-2", SECOND);
	assert_subnet(3, "subnet-2", SECOND);
	assert_string_equal(exchange.facts.values[CLOUD_SUBNET_ID], "subnet-1");
}

static void without_routes_only_the_own_interface_is_asked_about(void **state)
{
	const struct page pages[] = {TWO_INTERFACES, {NULL, NULL}};

	(void)state;
	begin(SECOND);
	exchange.is_without_routes = true;
	assert_int_equal(talk(pages), 6); /* token, document, macs, vpc, subnet, tag keys */
	assert_int_equal(exchange.facts.subnets.n_blocks, 0);
	assert_string_equal(exchange.facts.values[CLOUD_SUBNET_ID], "subnet-2");
}

static void interface_without_a_subnet_leaves_the_others(void **state)
{
	const struct page pages[] = {TOKEN, DOCUMENT, {MACS, FIRST "/\n" SECOND "/\n"},
				     {MACS SECOND "/subnet-id", "subnet-2"},
				     {MACS SECOND "/subnet-ipv4-cidr-block", "10.0.2.0/24"},
				     {NULL, NULL}};

	(void)state;
	begin(FIRST);
	assert_true(talk(pages) > 0);
	assert_subnet(0, "subnet-2", SECOND);
	assert_string_equal(exchange.facts.values[CLOUD_SUBNET_ID], "");
}

static void interfaces_beyond_the_maximum_are_counted_and_the_own_is_kept(void **state)
{
	char macs[(CLOUD_MAX_INTERFACES + 2) * (CLOUD_MAC_SIZE + 1) + 1] = "";
	const struct page pages[] = {TOKEN, DOCUMENT, {MACS, macs}, {NULL, NULL}};

	(void)state;
	for (int i = 0; i < CLOUD_MAX_INTERFACES + 2; i++)
		snprintf(macs + strlen(macs), CLOUD_MAC_SIZE + 2, "02:00:00:00:00:%02x/\n", i);
	begin("02:00:00:00:00:21");
	assert_true(talk(pages) > 0);
	assert_string_equal(exchange.macs[0], "02:00:00:00:00:21");
	assert_int_equal(exchange.facts.subnets.n_left_out, 2);
}

static void page_in_place_of_an_id_is_refused(void **state)
{
	const struct page pages[] = {TOKEN, DOCUMENT,
				     {"/latest/meta-data/mac", "02:00:00:00:00:01"},
				     {MACS "02:00:00:00:00:01/vpc-id", "<html>"},
				     {NULL, NULL}};

	(void)state;
	begin("");
	assert_int_equal(talk(pages), -EBADMSG);
}

static void tags_of_the_instance_are_asked_for_one_by_one(void **state)
{
	const struct page pages[] = {TOKEN,	     DOCUMENT,
				     {TAGS, "Name\naws:x\nbad key\n../y\n"},
				     {TAGS "Name", "web 1"}, {TAGS "aws:x", "7"}, {NULL, NULL}};

	(void)state;
	begin("");
	assert_int_equal(talk(pages), 7);
	assert_string_equal(exchange_fixture_tag(&exchange, "name"), "web_1");
	assert_string_equal(exchange_fixture_tag(&exchange, "aws_x"), "7");
	assert_int_equal(exchange.facts.own_tags.n, 2);
	assert_int_equal(exchange.facts.own_tags.n_left_out, 2);
}

static void more_tags_than_aws_has_are_left_out_and_counted(void **state)
{
	char keys[CLOUD_MAX_KEYS * 2 * 5] = "";
	const struct page pages[] = {TOKEN, DOCUMENT, {TAGS, keys}, {NULL, NULL}};

	(void)state;
	for (int i = 0; i < CLOUD_MAX_KEYS + 3; i++)
		snprintf(keys + strlen(keys), 6, "k%03d\n", i);
	begin("");
	assert_int_equal(talk(pages), 5 + CLOUD_MAX_KEYS);
	assert_int_equal(exchange.facts.own_tags.n_left_out, 3);
}

static void what_is_no_identity_document_is_refused(void **state)
{
	static const char *const documents[] = {
		"",	"{",  "[]", "null", "{}", "{\"instanceId\":7}", "{\"instanceId\":\"vm-1\"}",
		"<html>"};

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		const struct page pages[] = {
			TOKEN,
			{"/latest/dynamic/instance-identity/document", documents[i]},
			{NULL, NULL}};

		begin("");
		assert_int_equal(talk(pages), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document_has_most_of_the_facts),
		cmocka_unit_test(token_is_put_and_then_in_each_request),
		cmocka_unit_test(token_that_would_end_the_header_is_refused),
		cmocka_unit_test(network_is_that_of_the_interface_with_the_default_route),
		cmocka_unit_test(interface_of_a_pod_gives_way_to_the_first_one),
		cmocka_unit_test(what_is_no_address_never_gets_into_a_path),
		cmocka_unit_test(subnets_are_those_of_all_interfaces),
		cmocka_unit_test(without_routes_only_the_own_interface_is_asked_about),
		cmocka_unit_test(interface_without_a_subnet_leaves_the_others),
		cmocka_unit_test(interfaces_beyond_the_maximum_are_counted_and_the_own_is_kept),
		cmocka_unit_test(page_in_place_of_an_id_is_refused),
		cmocka_unit_test(tags_of_the_instance_are_asked_for_one_by_one),
		cmocka_unit_test(more_tags_than_aws_has_are_left_out_and_counted),
		cmocka_unit_test(what_is_no_identity_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
