/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands diagnose and flare give, for those who have the API only. */
#include "api_internal.h"

#include <errno.h>
#include <string.h>

/* Each check has its own deadline; name resolution is the longest. */
#define DIAGNOSE_DEADLINE_MS 60000
#define FLARE_DEADLINE_MS 120000
#define MAX_ARGUMENTS 8

/* `arguments` has room for the settings file at its end. */
static void answer_command(struct api *api, const char **arguments, unsigned int deadline_ms,
			   int max_exit_code, struct response *response)
{
	struct own_command command = {.arguments = arguments, .deadline_ms = deadline_ms,
				      .max_exit_code = max_exit_code};
	size_t n = 0;
	int r;

	while (arguments[n])
		n++;
	if (api->parts.settings_path) {
		arguments[n] = "--config";
		arguments[n + 1] = api->parts.settings_path;
	}
	r = own_command_new(&api->commands, &command, &response->source);
	if (r == 0)
		return;
	response->header = r == -EBUSY ? "Retry-After: 5" : NULL;
	answer_error(response, r == -EBUSY ? 503 : 500, "%s",
		     r == -EBUSY ? "a diagnosis or a flare is being made; try again when it is done"
				 : strerror(-r));
}

void support_diagnose(struct api *api, const struct api_request *request,
		      struct response *response)
{
	const char *arguments[MAX_ARGUMENTS] = {"diagnose", "--json"};

	if (!answer_no_parameters(request, response))
		return;
	response->content_type = "application/x-ndjson";
	answer_command(api, arguments, DIAGNOSE_DEADLINE_MS, 1, response);
}

void support_flare(struct api *api, const struct api_request *request, struct response *response)
{
	const char *arguments[MAX_ARGUMENTS] = {"flare", "--yes", "--output", "-"};

	if (!answer_no_parameters(request, response))
		return;
	response->content_type = "application/x-tar";
	response->header = "Content-Disposition: attachment; filename=\"sysprobe-flare.tar\"";
	answer_command(api, arguments, FLARE_DEADLINE_MS, 0, response);
}
