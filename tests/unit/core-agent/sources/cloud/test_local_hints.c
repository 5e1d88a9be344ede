/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sources/cloud/local_hints.h"

static void firmware_of_each_cloud_is_known(void **state)
{
	static const struct {
		struct dmi dmi;
		const char *provider;
	} cases[] = {
		{{.sys_vendor = "Amazon EC2"}, "aws"},
		{{.sys_vendor = "Xen", .board_vendor = "Amazon EC2"}, "aws"},
		{{.chassis_asset_tag = "Amazon EC2"}, "aws"},
		{{.sys_vendor = "Google"}, "gcp"},
		{{.product_name = "Google Compute Engine"}, "gcp"},
		{{.sys_vendor = "Microsoft Corporation",
		  .chassis_asset_tag = "7783-7084-3265-9085-8269-3286-77"},
		 "azure"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(local_hints_provider(&cases[i].dmi), cases[i].provider);
}

static void hyper_v_at_home_is_no_azure(void **state)
{
	const struct dmi dmi = {.sys_vendor = "Microsoft Corporation",
				.product_name = "Virtual Machine",
				.chassis_asset_tag = "2327-4556-1250-7890-1234-5678-90"};

	(void)state;
	assert_null(local_hints_provider(&dmi));
}

static void no_firmware_says_nothing(void **state)
{
	(void)state;
	assert_null(local_hints_provider(&(struct dmi){.sys_vendor = ""}));
}

static void default_route_is_the_one_to_everywhere(void **state)
{
	char interface[LOCAL_HINTS_INTERFACE_SIZE];

	(void)state;
	local_hints_parse_route(
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
		"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
		"down0\t00000000\t0102000A\t0002\t0\t0\t100\t00000000\t0\t0\t0\n"
		"ens5\t00000000\t0102000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
		"ens6\t00000000\t0103000A\t0003\t0\t0\t200\t00000000\t0\t0\t0\n",
		interface);
	assert_string_equal(interface, "ens5");
}

static void without_a_default_route_there_is_no_interface(void **state)
{
	char interface[LOCAL_HINTS_INTERFACE_SIZE];

	(void)state;
	local_hints_parse_route("half\t00000000\t0102000A\t0001\t0\t0\t0\t00000080\t0\t0\t0\n",
				interface);
	assert_string_equal(interface, "");
	local_hints_parse_route("", interface);
	assert_string_equal(interface, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmware_of_each_cloud_is_known),
		cmocka_unit_test(hyper_v_at_home_is_no_azure),
		cmocka_unit_test(no_firmware_says_nothing),
		cmocka_unit_test(default_route_is_the_one_to_everywhere),
		cmocka_unit_test(without_a_default_route_there_is_no_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
