/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "sources/cloud/cloud_facts.h"

static struct cloud_facts facts;
static struct tag_list list;

static bool has(const char *tag)
{
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(tag_list_get(&list, i), tag) == 0)
			return true;
	return false;
}

static void facts_are_tags_under_the_keys_of_dashboards(void **state)
{
	(void)state;
	cloud_facts_clear(&facts, "aws");
	cloud_facts_set(&facts, CLOUD_INSTANCE_ID, "i-1");
	cloud_facts_set(&facts, CLOUD_INSTANCE_TYPE, "m5.large");
	cloud_facts_set(&facts, CLOUD_ZONE, "us-west-2b");
	cloud_facts_set(&facts, CLOUD_REGION, "us-west-2");
	cloud_facts_set(&facts, CLOUD_AWS_ACCOUNT, "123456789012");
	cloud_facts_tags(&facts, &list);
	assert_int_equal(list.n, 6);
	assert_true(has("cloud_provider:aws"));
	assert_true(has("instance-id:i-1"));
	assert_true(has("instance-type:m5.large"));
	assert_true(has("availability-zone:us-west-2b"));
	assert_true(has("region:us-west-2"));
	assert_true(has("aws_account:123456789012"));
}

static void owners_tags_are_among_them(void **state)
{
	(void)state;
	cloud_facts_clear(&facts, "gcp");
	tag_list_add(&facts.own_tags, "Team", "shop:web");
	facts.own_tags.n_left_out = 3;
	facts.own_tags.n_cut = 2;
	cloud_facts_tags(&facts, &list);
	assert_true(has("team:shop:web"));
	assert_int_equal(list.n_left_out, 3);
	assert_int_equal(list.n_cut, 2);
}

static void value_that_is_too_long_is_unknown(void **state)
{
	char value[CLOUD_VALUE_SIZE + 1];

	(void)state;
	memset(value, 'x', sizeof(value));
	value[CLOUD_VALUE_SIZE] = '\0';
	cloud_facts_clear(&facts, "aws");
	cloud_facts_set(&facts, CLOUD_ZONE, value);
	assert_string_equal(facts.values[CLOUD_ZONE], "");
	value[CLOUD_VALUE_SIZE - 1] = '\0';
	cloud_facts_set(&facts, CLOUD_ZONE, value);
	assert_string_equal(facts.values[CLOUD_ZONE], value);
}

static void azure_names(void **state)
{
	static const char *const names[] = {
		[AZURE_NAME_OS] = "",
		[AZURE_NAME_VM] = "vm",
		[AZURE_NAME_VM_AND_GROUP] = "vm.rg",
		[AZURE_NAME_FULL] = "vm.rg.sub",
		[AZURE_NAME_VM_ID] = "02aa",
	};
	char name[CLOUD_VALUE_SIZE];

	(void)state;
	cloud_facts_clear(&facts, "azure");
	cloud_facts_set(&facts, CLOUD_INSTANCE_ID, "02aa");
	cloud_facts_set(&facts, CLOUD_INSTANCE_NAME, "vm");
	cloud_facts_set(&facts, CLOUD_AZURE_GROUP, "rg");
	cloud_facts_set(&facts, CLOUD_AZURE_SUBSCRIPTION, "sub");
	for (int style = AZURE_NAME_OS; style <= AZURE_NAME_VM_ID; style++) {
		cloud_facts_name(&facts, (enum azure_name)style, name);
		assert_string_equal(name, names[style]);
	}
}

static void azure_name_without_a_machine_or_too_long_is_none(void **state)
{
	char name[CLOUD_VALUE_SIZE], half[200];

	(void)state;
	cloud_facts_clear(&facts, "azure");
	cloud_facts_set(&facts, CLOUD_AZURE_GROUP, "rg");
	cloud_facts_name(&facts, AZURE_NAME_VM_AND_GROUP, name);
	assert_string_equal(name, "");
	memset(half, 'x', sizeof(half));
	half[sizeof(half) - 1] = '\0';
	cloud_facts_set(&facts, CLOUD_INSTANCE_NAME, half);
	cloud_facts_set(&facts, CLOUD_AZURE_GROUP, half);
	cloud_facts_name(&facts, AZURE_NAME_VM_AND_GROUP, name);
	assert_string_equal(name, "");
}

static void instance_id_is_the_name_on_aws_and_dns_on_gcp(void **state)
{
	char name[CLOUD_VALUE_SIZE];

	(void)state;
	cloud_facts_clear(&facts, "aws");
	cloud_facts_set(&facts, CLOUD_INSTANCE_ID, "i-1");
	cloud_facts_set(&facts, CLOUD_HOSTNAME, "h.c.p.internal");
	cloud_facts_name(&facts, AZURE_NAME_OS, name);
	assert_string_equal(name, "i-1");
	facts.provider = "gcp";
	cloud_facts_name(&facts, AZURE_NAME_OS, name);
	assert_string_equal(name, "h.c.p.internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_tags_under_the_keys_of_dashboards),
		cmocka_unit_test(owners_tags_are_among_them),
		cmocka_unit_test(value_that_is_too_long_is_unknown),
		cmocka_unit_test(azure_names),
		cmocka_unit_test(azure_name_without_a_machine_or_too_long_is_none),
		cmocka_unit_test(instance_id_is_the_name_on_aws_and_dns_on_gcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
