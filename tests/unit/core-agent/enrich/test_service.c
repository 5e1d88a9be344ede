/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *chosen(struct service_candidates candidates, const char **ret_source)
{
	enum service_source source;
	const char *service = service_choose(&candidates, &source);

	*ret_source = service_source_name(source);
	return service;
}

static void assert_chosen(struct service_candidates candidates, const char *service,
			  const char *source)
{
	const char *from;

	assert_string_equal(chosen(candidates, &from), service);
	assert_string_equal(from, source);
}

static void first_source_that_knows_one_is_taken(void **state)
{
	struct service_candidates all = { .environment = "a",
					  .environment_source = SERVICE_SOURCE_OTEL,
					  .command = "b",
					  .unit = "c",
					  .executable = "/usr/bin/d" };

	(void)state;
	assert_chosen(all, "a", "otel");
	all.environment_source = SERVICE_SOURCE_ENVIRONMENT;
	assert_chosen(all, "a", "environment");
	all.environment = NULL;
	assert_chosen(all, "b", "command");
	all.command = "";
	assert_chosen(all, "c", "systemd");
	all.unit = NULL;
	assert_chosen(all, "d", "executable");
}

static void nothing_known_is_no_service(void **state)
{
	const char *source = "";

	(void)state;
	assert_null(chosen((struct service_candidates){ .executable = "/bin/" }, &source));
	assert_null(source);
}

static void only_a_services_unit_names_one(void **state)
{
	char name[SERVICE_NAME_BYTES] = "", unit[400];

	(void)state;
	assert_true(service_unit_name("postgresql@15-main.service", name));
	assert_string_equal(name, "postgresql@15-main");
	assert_false(service_unit_name("session-1.scope", name));
	assert_false(service_unit_name(".service", name));
	assert_false(service_unit_name("", name));
	memset(unit, 'x', sizeof(unit));
	memcpy(unit + sizeof(unit) - 9, ".service", 9);
	assert_false(service_unit_name(unit, name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_source_that_knows_one_is_taken),
		cmocka_unit_test(nothing_known_is_no_service),
		cmocka_unit_test(only_a_services_unit_names_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
