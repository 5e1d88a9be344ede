/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include <stdarg.h>
#include <string.h>

#include "cleanup.h"

#define MAX_NAME_BYTES 64
#define MAX_VALUE_BYTES 1024

void answer_json(struct response *response, json_t *value)
{
	CLEANUP_FREE char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	json_decref(value);
	if (!text || evbuffer_add_printf(response->body, "%s\n", text) < 0) {
		response_text(response, 500, "out of memory");
		return;
	}
	response->content_type = "application/json";
}

void answer_error(struct response *response, int status, const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list); /* cut: for the eye */
	va_end(list);
	for (char *c = text; *c; c++) /* what came from a query may be anything */
		if (*c < ' ' || *c > '~')
			*c = '?';
	response->status = status;
	(void)evbuffer_drain(response->body, evbuffer_get_length(response->body));
	answer_json(response, json_pack("{s:s}", "error", text));
}

bool answer_parameters(const struct api_request *request, answer_on_parameter on_parameter,
		       void *context, struct response *response)
{
	struct request_span rest = request->http->query;
	char name[MAX_NAME_BYTES], value[MAX_VALUE_BYTES];
	int r;

	while ((r = request_next_parameter(&rest, name, sizeof(name), value, sizeof(value))) > 0)
		if (!on_parameter(name, value, context, response))
			return false;
	if (r < 0)
		answer_error(response, 400, "the query is malformed, or a part of it too long");
	return r == 0;
}

static bool refuse(const char *name, const char *value, void *context, struct response *response)
{
	(void)value;
	(void)context;
	answer_error(response, 400, "no parameter is called %s here", name);
	return false;
}

bool answer_no_parameters(const struct api_request *request, struct response *response)
{
	return answer_parameters(request, refuse, NULL, response);
}
