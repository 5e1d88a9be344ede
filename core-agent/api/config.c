/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "runtime.h"
#include "settings.h"

#define HIDDEN "********"
#define MAX_LIST_BYTES 4096

static const char *field_of(const struct agent_settings *settings, const struct option *row)
{
	return (const char *)settings + row->offset;
}

static json_t *list_json(const struct option_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		(void)json_array_append_new(array, json_string(list->items[i]));
	return array;
}

static json_t *map_json(const struct option_map *map)
{
	json_t *object = json_object();

	for (size_t i = 0; i < map->n; i++)
		(void)json_object_set_new(object, map->items[i].key,
					  json_string(map->items[i].value));
	return object;
}

/* A text that is not UTF-8 is shown as null. A user name in a URL may carry a password. */
static json_t *string_json(const char *text)
{
	const char *host = strstr(text, "://");
	const char *at = host ? strchr(host + 3, '@') : NULL;
	json_t *value = at && strcspn(host + 3, "/?#") > (size_t)(at - host - 3)
				? json_sprintf("%.*s" HIDDEN "%s", (int)(host + 3 - text), text, at)
				: json_string(text);

	return value ? value : json_null();
}

static json_t *duration_json(uint64_t ns)
{
	if (ns % 1000000000 == 0)
		return json_sprintf("%llus", (unsigned long long)(ns / 1000000000));
	return json_sprintf("%llums", (unsigned long long)(ns / 1000000));
}

json_t *config_value(const struct agent_settings *settings, size_t i)
{
	const struct option *row = &agent_options[i];
	const void *field = field_of(settings, row);

	if (row->is_secret && row->type == OPTION_STRING)
		return json_string(**(char *const *)field ? HIDDEN : "");
	if (row->is_secret)
		return json_string(HIDDEN);
	switch (row->type) {
	case OPTION_BOOL:
		return json_boolean(*(const bool *)field);
	case OPTION_INT:
		return json_integer(*(const int64_t *)field);
	case OPTION_DURATION:
		return duration_json(*(const uint64_t *)field);
	case OPTION_STRING:
		return string_json(*(char *const *)field);
	case OPTION_ENUM:
		return json_string(row->choices[*(const int *)field]);
	case OPTION_STRING_LIST:
		return list_json(field);
	case OPTION_STRING_MAP:
		return map_json(field);
	default:
		return NULL;
	}
}

void config_get_all(struct api *api, const struct api_request *request, struct response *response)
{
	json_t *all;

	if (!answer_no_parameters(request, response))
		return;
	all = json_object();
	for (size_t i = 0; i < agent_options_n; i++)
		if (agent_options[i].type != OPTION_NO_EFFECT)
			(void)json_object_set_new(all, agent_options[i].key,
						  config_value(api->parts.settings, i));
	answer_json(response, all);
}

void config_list_runtime(struct api *api, const struct api_request *request,
			 struct response *response)
{
	json_t *all;

	if (!answer_no_parameters(request, response))
		return;
	all = json_object();
	for (size_t i = 0; i < agent_options_n; i++)
		if (agent_options[i].is_runtime)
			(void)json_object_set_new(
				all, agent_options[i].key,
				json_pack("{s:o, s:s}", "value",
					  config_value(api->parts.settings, i), "help",
					  agent_options[i].help));
	answer_json(response, all);
}

static json_t *one_json(const struct api *api, const struct option *row)
{
	return json_pack("{s:s, s:o, s:b}", "setting", row->key, "value",
			 config_value(api->parts.settings, (size_t)(row - agent_options)),
			 "is_runtime", row->is_runtime);
}

/* NULL: `response` says that there is none. */
static const struct option *find_setting(const char *key, struct response *response)
{
	const struct option *row = options_find(agent_options, agent_options_n, key);

	if (row && row->type != OPTION_NO_EFFECT)
		return row;
	answer_error(response, 404, "no setting is called %s", key);
	return NULL;
}

void config_get_one(struct api *api, const struct api_request *request, struct response *response)
{
	const struct option *row = find_setting(request->argument, response);

	if (row && answer_no_parameters(request, response))
		answer_json(response, one_json(api, row));
}

/* As it would stand in an environment variable; NULL: of no such form. */
static char *value_text(const json_t *value)
{
	char text[MAX_LIST_BYTES];
	size_t size = 0;

	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (json_is_boolean(value))
		return strdup(json_is_true(value) ? "true" : "false");
	if (json_is_integer(value) || json_is_object(value))
		return json_dumps(value, JSON_ENCODE_ANY);
	if (!json_is_array(value))
		return NULL;
	text[0] = '\0';
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *item = json_string_value(json_array_get(value, i));
		bool is_one = item && !strchr(item, ',');
		int n = is_one ? snprintf(text + size, sizeof(text) - size, "%s%s", i ? "," : "",
					  item)
			       : -1;

		if (n < 0 || (size_t)n >= sizeof(text) - size)
			return NULL;
		size += (size_t)n;
	}
	return strdup(text);
}

static void set_value(struct api *api, const struct option *row, const json_t *value,
		      struct response *response)
{
	CLEANUP_FREE char *text = value_text(value);
	struct option_error error = {{0}};
	int r;

	if (!text) {
		answer_error(response, 400, "the value is text, a number, true, false, a list "
					    "of texts or an object of them");
		return;
	}
	r = runtime_set(api->parts.runtime, row->key, text, strlen(text), &error);
	if (r == 0)
		answer_json(response, one_json(api, row));
	else if (r == -EPERM)
		answer_error(response, 400, "%s changes with a restart only: set it in the file",
			     row->key);
	else
		answer_error(response, r == -EINVAL ? 400 : 500, "%s",
			     *error.text ? error.text : strerror(-r));
}

void config_set_one(struct api *api, const struct api_request *request, struct response *response)
{
	const struct request_span *body = &request->http->body;
	const struct option *row = find_setting(request->argument, response);
	json_t *root;

	if (!row || !answer_no_parameters(request, response))
		return;
	root = json_loadb(body->size ? body->bytes : "", body->size, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(root) && json_object_size(root) == 1 && json_object_get(root, "value"))
		set_value(api, row, json_object_get(root, "value"), response);
	else
		answer_error(response, 400, "the body must be {\"value\": ...}");
	json_decref(root);
}

static json_t *names_json(const char *const *names, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(array, json_string(names[i]));
	return array;
}

void config_reload(struct api *api, const struct api_request *request, struct response *response)
{
	struct runtime_changes changes;
	struct option_error error = {{0}};
	int r;

	if (!answer_no_parameters(request, response))
		return;
	r = runtime_reload(api->parts.runtime, &changes, &error);
	if (r < 0)
		answer_error(response, 400, "%s", *error.text ? error.text : strerror(-r));
	else
		answer_json(response,
			    json_pack("{s:o, s:o}", "changed",
				      names_json(changes.changed, changes.n_changed),
				      "want_restart",
				      names_json(changes.want_restart, changes.n_want_restart)));
}
