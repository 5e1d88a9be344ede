/* SPDX-License-Identifier: Apache-2.0 */

/*
 * POST /agent/config/SETTING: the first line is SETTING, the rest the body. Whatever it is,
 * the answer is JSON, and what it says is in use. Of settings that change at run time only
 * log_level is asked for: the others need the whole agent behind them.
 */
#include "api/api_internal.h"
#include "log.h"
#include "runtime.h"
#include "settings.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct agent_settings settings;
static struct runtime *runtime;

static void require(int condition)
{
	if (!condition)
		abort();
}

static void start(void)
{
	static const struct runtime_source nowhere = {"/nonexistent", false};
	struct option_error error;

	require(options_load_bytes(agent_options, agent_options_n, &settings, "fuzz", "", 0,
				   &error) == 0);
	runtime = runtime_new(&settings, &nowhere, NULL, NULL);
	require(runtime != NULL);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	require(text != NULL);
	return text;
}

/* Levels are taken in any case, and told in small letters. */
static void check_changed(const json_t *answer, const struct request_span *body)
{
	json_t *asked = json_loadb(body->bytes, body->size, 0, NULL);

	require(strcmp(text_of(answer, "setting"), "log_level") == 0);
	require(strcasecmp(text_of(answer, "value"), text_of(asked, "value")) == 0);
	require(settings.log_level >= LOG_LEVEL_ERROR && settings.log_level <= LOG_LEVEL_DEBUG);
	json_decref(asked);
}

static void check_answer(const struct response *response, const struct request_span *body)
{
	size_t size = evbuffer_get_length(response->body);
	json_t *answer = json_loadb((char *)evbuffer_pullup(response->body, -1), size, 0, NULL);

	require(json_is_object(answer));
	if (response->status == 200)
		check_changed(answer, body);
	else
		require((response->status == 400 || response->status == 404) &&
			json_is_string(json_object_get(answer, "error")));
	json_decref(answer);
}

static void post(const char *setting, const uint8_t *bytes, size_t size)
{
	struct api api = {.parts = {.settings = &settings, .runtime = runtime}};
	const struct request http = {.is_post = true, .body = {(const char *)bytes, size}};
	const struct api_request request = {&http, setting};
	struct response response = {.status = 200, .body = evbuffer_new()};

	config_set_one(&api, &request, &response);
	check_answer(&response, &http.body);
	evbuffer_free(response.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	const struct option *row;
	char setting[64];

	if (!runtime)
		start();
	if (!end || (size_t)(end - data) >= sizeof(setting))
		return -1;
	memcpy(setting, data, (size_t)(end - data));
	setting[end - data] = '\0';
	row = options_find(agent_options, agent_options_n, setting);
	if (row && row->is_runtime && strcmp(row->key, "log_level") != 0)
		return -1;
	post(setting, end + 1, size - (size_t)(end + 1 - data));
	return 0;
}
