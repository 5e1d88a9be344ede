/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings.h"

#define SECRET "s3cret-5678"

static void load(struct agent_settings *settings)
{
	struct option_error error;

	memset(settings, 0, sizeof(*settings));
	assert_int_equal(options_load_bytes(agent_options, agent_options_n, settings, "none", "", 0,
					    &error),
			 0);
}

static char *shown(const struct agent_settings *settings, size_t row)
{
	json_t *value = config_value(settings, row);
	char *text = json_dumps(value, JSON_ENCODE_ANY);

	json_decref(value);
	return text;
}

static void no_secret_is_shown(void **state)
{
	struct agent_settings settings;
	size_t n_secrets = 0;

	(void)state;
	load(&settings);
	for (size_t i = 0; i < agent_options_n; i++) {
		struct option_error error;
		char *text;

		if (!agent_options[i].is_secret)
			continue;
		n_secrets++;
		assert_int_equal(options_set(&agent_options[i], &settings, SECRET, strlen(SECRET),
					     &error),
				 0);
		text = shown(&settings, i);
		assert_string_equal(text, "\"********\"");
		free(text);
	}
	assert_true(n_secrets > 0);
	options_free(agent_options, agent_options_n, &settings);
}

/* By its name; a path or a URL to one is none. */
static bool looks_secret(const char *key)
{
	static const char *const words[] = {"api_key", "app_key", "secret", "passw", "token",
					    "private", "credential"};
	size_t size = strlen(key);

	if (size > 5 && strcmp(key + size - 5, "_path") == 0)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(key, words[i]))
			return true;
	return false;
}

static void what_looks_like_a_secret_is_declared_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < agent_options_n; i++)
		if (agent_options[i].type != OPTION_NO_EFFECT && !agent_options[i].is_secret &&
		    looks_secret(agent_options[i].key))
			fail_msg("%s is not is_secret", agent_options[i].key);
}

static void a_password_in_a_url_is_hidden(void **state)
{
	static const char *const urls[][2] = {
		{"https://u:" SECRET "@host/x", "\"https://********@host/x\""},
		{"https://" SECRET "@host", "\"https://********@host\""},
		{"https://host/a@b", "\"https://host/a@b\""},
		{"https://host", "\"https://host\""},
	};
	const struct option *row = options_find(agent_options, agent_options_n,
						"process_config.process_dd_url");
	struct agent_settings settings;

	(void)state;
	load(&settings);
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct option_error error;
		char *text;

		assert_int_equal(options_set(row, &settings, urls[i][0], strlen(urls[i][0]), &error),
				 0);
		text = shown(&settings, (size_t)(row - agent_options));
		assert_string_equal(text, urls[i][1]);
		free(text);
	}
	options_free(agent_options, agent_options_n, &settings);
}

static void every_setting_has_a_value_that_it_would_take_back(void **state)
{
	struct agent_settings settings;

	(void)state;
	load(&settings);
	for (size_t i = 0; i < agent_options_n; i++) {
		json_t *value;

		if (agent_options[i].type == OPTION_NO_EFFECT)
			continue;
		value = config_value(&settings, i);
		assert_non_null(value);
		if (agent_options[i].type == OPTION_DURATION) {
			struct option_error error;

			assert_int_equal(options_set(&agent_options[i], &settings,
						     json_string_value(value),
						     json_string_length(value), &error),
					 0);
		}
		json_decref(value);
	}
	options_free(agent_options, agent_options_n, &settings);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_secret_is_shown),
		cmocka_unit_test(what_looks_like_a_secret_is_declared_one),
		cmocka_unit_test(a_password_in_a_url_is_hidden),
		cmocka_unit_test(every_setting_has_a_value_that_it_would_take_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
