/* SPDX-License-Identifier: Apache-2.0 */
#include "service_environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "environment.h"

/* NULL ends the entries. */
static struct service_environment names_of(const char *const *entries)
{
	struct service_environment names = { .service = { .rank = 0 } };

	for (; *entries; entries++)
		service_environment_add(&names, *entries, strlen(*entries));
	return names;
}

#define NAMES(...) names_of((const char *const[]){ __VA_ARGS__, NULL })

static void assert_names(struct service_environment names, const char *service, const char *env,
			 const char *version)
{
	assert_string_equal(names.service.text, service);
	assert_string_equal(names.env.text, env);
	assert_string_equal(names.version.text, version);
}

#define ATTRIBUTES                                                                    \
	"OTEL_RESOURCE_ATTRIBUTES=deployment.environment=old,service.name=attribute," \
	"service.version=3,deployment.environment.name=new"

static void datadogs_variables_come_first_in_whatever_order(void **state)
{
	struct service_environment names =
		NAMES(ATTRIBUTES, "OTEL_SERVICE_NAME=otel", "DD_SERVICE=dd", "DD_ENV=prod",
		      "DD_VERSION=1");

	(void)state;
	assert_names(names, "dd", "prod", "1");
	assert_int_equal(service_environment_source(&names), SERVICE_SOURCE_ENVIRONMENT);
	assert_names(NAMES("DD_SERVICE=dd", "OTEL_SERVICE_NAME=otel"), "dd", "", "");
}

static void name_of_opentelemetry_comes_before_its_attribute(void **state)
{
	struct service_environment names = NAMES(ATTRIBUTES, "OTEL_SERVICE_NAME=otel");

	(void)state;
	assert_names(names, "otel", "new", "3");
	assert_int_equal(service_environment_source(&names), SERVICE_SOURCE_OTEL);
}

static void attributes_fill_what_is_left(void **state)
{
	struct service_environment names = NAMES("DD_ENV=prod", ATTRIBUTES);

	(void)state;
	assert_names(names, "attribute", "prod", "3");
	assert_int_equal(service_environment_source(&names), SERVICE_SOURCE_OTEL);
}

static void old_attribute_of_the_environment_is_understood(void **state)
{
	(void)state;
	assert_names(NAMES("OTEL_RESOURCE_ATTRIBUTES=deployment.environment=old"), "", "old", "");
}

static void empty_value_is_unset(void **state)
{
	struct service_environment none = NAMES("DD_SERVICE=", "OTEL_SERVICE_NAME=");

	(void)state;
	assert_names(NAMES("DD_SERVICE=", "OTEL_SERVICE_NAME=otel"), "otel", "", "");
	assert_int_equal(service_environment_source(&none), SERVICE_SOURCE_UNKNOWN);
}

static void first_of_a_repeated_variable_holds(void **state)
{
	(void)state;
	assert_names(NAMES("DD_SERVICE=first", "DD_SERVICE=second"), "first", "", "");
}

static void attributes_are_trimmed_and_percent_decoded(void **state)
{
	(void)state;
	assert_names(NAMES("OTEL_RESOURCE_ATTRIBUTES= service.name = web%2Cshop%3d1 ,,x"),
		     "web,shop=1", "", "");
}

static void broken_attributes_are_passed_over(void **state)
{
	(void)state;
	assert_names(NAMES("OTEL_RESOURCE_ATTRIBUTES=service.name=a%2,service.version=%zz,"
			   "deployment.environment=%00x"),
		     "", "", "");
	assert_names(NAMES("OTEL_RESOURCE_ATTRIBUTES=service.name,=x,service.version=1"), "", "",
		     "1");
}

static void last_attribute_of_a_cut_list_is_not_used(void **state)
{
	char entry[ENVIRONMENT_MAX_ENTRY_BYTES] =
		"OTEL_RESOURCE_ATTRIBUTES=service.name=shop,service.version=";
	struct service_environment names = { .service = { .rank = 0 } };

	(void)state;
	memset(entry + strlen(entry), '1', sizeof(entry) - 1 - strlen(entry));
	service_environment_add(&names, entry, sizeof(entry) - 1);
	assert_names(names, "shop", "", "");
}

static void long_value_is_cut(void **state)
{
	char entry[600] = "DD_SERVICE=";
	struct service_environment names = { .service = { .rank = 0 } };

	(void)state;
	memset(entry + 11, 'x', 500);
	service_environment_add(&names, entry, 511);
	assert_int_equal(strlen(names.service.text), SERVICE_NAME_BYTES - 1);
}

static void other_variables_change_nothing(void **state)
{
	(void)state;
	assert_names(NAMES("SERVICE=a", "DD_SERVICE", "PATH=/bin"), "", "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datadogs_variables_come_first_in_whatever_order),
		cmocka_unit_test(name_of_opentelemetry_comes_before_its_attribute),
		cmocka_unit_test(attributes_fill_what_is_left),
		cmocka_unit_test(old_attribute_of_the_environment_is_understood),
		cmocka_unit_test(empty_value_is_unset),
		cmocka_unit_test(first_of_a_repeated_variable_holds),
		cmocka_unit_test(attributes_are_trimmed_and_percent_decoded),
		cmocka_unit_test(broken_attributes_are_passed_over),
		cmocka_unit_test(last_attribute_of_a_cut_list_is_not_used),
		cmocka_unit_test(long_value_is_cut),
		cmocka_unit_test(other_variables_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
