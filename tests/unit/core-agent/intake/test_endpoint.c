/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "intake/endpoint.h"

static void assert_url(const char *base, const char *site, const char *expected)
{
	char *url = NULL;

	assert_int_equal(endpoint_url(base, site, &url), 0);
	assert_string_equal(url, expected);
	free(url);
}

static void site_names_the_host(void **state)
{
	(void)state;
	assert_url("", "datadoghq.eu", "https://process.datadoghq.eu/api/v1/connections");
}

static void process_dd_url_wins_over_site(void **state)
{
	(void)state;
	assert_url("https://intake.example:8443", "datadoghq.eu",
		   "https://intake.example:8443/api/v1/connections");
}

static void slash_at_the_end_is_not_doubled(void **state)
{
	(void)state;
	assert_url("https://intake.example/proxy/", "",
		   "https://intake.example/proxy/api/v1/connections");
}

static void clear_text_is_refused(void **state)
{
	char *url = NULL;

	(void)state;
	assert_int_equal(endpoint_url("http://intake.example", "", &url), -EPROTONOSUPPORT);
	assert_null(url);
}

static void url_without_scheme_is_refused(void **state)
{
	char *url = NULL;

	(void)state;
	assert_int_equal(endpoint_url("intake.example", "", &url), -EINVAL);
}

static void url_with_password_is_refused(void **state)
{
	char *url = NULL;

	(void)state;
	assert_int_equal(endpoint_url("https://me:secret@intake.example", "", &url), -EINVAL);
}

static void url_with_query_is_refused(void **state)
{
	char *url = NULL;

	(void)state;
	assert_int_equal(endpoint_url("https://intake.example/?key=1", "", &url), -EINVAL);
}

static void site_that_is_no_host_name_is_refused(void **state)
{
	char *url = NULL;

	(void)state;
	assert_int_equal(endpoint_url("", "data doghq.com", &url), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(site_names_the_host),
		cmocka_unit_test(process_dd_url_wins_over_site),
		cmocka_unit_test(slash_at_the_end_is_not_doubled),
		cmocka_unit_test(clear_text_is_refused),
		cmocka_unit_test(url_without_scheme_is_refused),
		cmocka_unit_test(url_with_password_is_refused),
		cmocka_unit_test(url_with_query_is_refused),
		cmocka_unit_test(site_that_is_no_host_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
