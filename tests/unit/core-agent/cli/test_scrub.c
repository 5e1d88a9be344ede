/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scrub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char *const secrets[] = {"", "abc", "0123456789abcdef0123", NULL};

static void assert_scrubbed(const char *text, const char *wanted, size_t wanted_hidden)
{
	struct scrub *scrub = scrub_new(secrets);
	size_t n_hidden = 0;
	char *out = scrub_text(scrub, text, &n_hidden);

	assert_string_equal(out, wanted);
	assert_int_equal(n_hidden, wanted_hidden);
	free(out);
	scrub_free(scrub);
}

static void known_values_go_wherever_they_stand(void **state)
{
	(void)state;
	assert_scrubbed("x0123456789abcdef0123y 0123456789abcdef0123",
			"x********y ********", 2);
}

static void short_known_values_are_left(void **state)
{
	(void)state;
	assert_scrubbed("abc", "abc", 0);
}

static void values_of_secret_looking_settings_go(void **state)
{
	(void)state;
	assert_scrubbed("api_key: xyz\n", "api_key: ********\n", 1);
	assert_scrubbed("  \"app-key\": \"x y\"", "  \"app-key\": \"******** y\"", 1);
	assert_scrubbed("DD_API_KEY=xyz", "DD_API_KEY=********", 1);
	assert_scrubbed("proxy_password: 'q'", "proxy_password: '********'", 1);
	assert_scrubbed("client_secret=1&token=2", "client_secret=********&token=********", 2);
	assert_scrubbed("Passphrase = hunter2", "Passphrase = ********", 1);
}

static void names_that_only_begin_so_are_no_secrets(void **state)
{
	(void)state;
	assert_scrubbed("auth_token_file_path: /run/token", "auth_token_file_path: /run/token", 0);
	assert_scrubbed("{\"check\":\"token\",\"result\":\"pass\"}",
			"{\"check\":\"token\",\"result\":\"pass\"}", 0);
	assert_scrubbed("token_missing 3", "token_missing 3", 0);
}

static void structure_of_json_stays(void **state)
{
	(void)state;
	assert_scrubbed("{\"token\":{\"a\":1},\"secret\":\"s\"}",
			"{\"token\":{\"a\":1},\"secret\":\"********\"}", 1);
}

static void users_in_urls_go(void **state)
{
	(void)state;
	assert_scrubbed("https://me:pw@host/x", "https://********@host/x", 1);
	assert_scrubbed("https://host/x@y", "https://host/x@y", 0);
}

static void headers_and_arguments_go(void **state)
{
	(void)state;
	assert_scrubbed("Authorization: Bearer abc.def", "Authorization: Bearer ********", 1);
	assert_scrubbed("mysql --password hunter2 -h db", "mysql --password ******** -h db", 1);
	assert_scrubbed("curl --api-key=xyz", "curl --api-key=********", 1);
}

static void private_keys_go(void **state)
{
	(void)state;
	assert_scrubbed("-----BEGIN EC PRIVATE KEY-----\nMHc\nxx\n-----END EC PRIVATE KEY-----\n",
			"-----BEGIN EC PRIVATE KEY-----********-----END EC PRIVATE KEY-----\n", 1);
}

static void what_is_hidden_already_is_not_counted(void **state)
{
	(void)state;
	assert_scrubbed("api_key: ********", "api_key: ********", 0);
}

/* As much as a flare's largest member. */
static void a_megabyte_takes_less_than_seconds(void **state)
{
	static const char line[] = "{\"comm\":\"client\",\"remote_ip\":\"10.0.0.1\",\"token\":\"x\"}\n";
	size_t n = 1024 * 1024 / strlen(line), n_hidden = 0;
	char *text = malloc(n * strlen(line) + 1), *out;
	struct scrub *scrub = scrub_new(secrets);
	clock_t start = clock();

	(void)state;
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * strlen(line), line, strlen(line) + 1);
	out = scrub_text(scrub, text, &n_hidden);
	assert_int_equal(n_hidden, n);
	assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
	free(out);
	free(text);
	scrub_free(scrub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values_go_wherever_they_stand),
		cmocka_unit_test(short_known_values_are_left),
		cmocka_unit_test(values_of_secret_looking_settings_go),
		cmocka_unit_test(names_that_only_begin_so_are_no_secrets),
		cmocka_unit_test(structure_of_json_stays),
		cmocka_unit_test(users_in_urls_go),
		cmocka_unit_test(headers_and_arguments_go),
		cmocka_unit_test(private_keys_go),
		cmocka_unit_test(what_is_hidden_already_is_not_counted),
		cmocka_unit_test(a_megabyte_takes_less_than_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
