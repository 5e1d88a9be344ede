/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include "log.h"
#include "pipeline/probe_status.h"
#include "sources/host_facts.h"
#include "tagging.h"

static json_t *route_json(const struct api_route *route)
{
	return json_pack("{s:s, s:s, s:s, s:b}", "method", route->is_post ? "POST" : "GET", "path",
			 route->path, "help", route->help, "needs_token", !route->is_open);
}

void about_index(struct api *api, const struct api_request *request, struct response *response)
{
	json_t *routes = json_array();

	(void)api;
	if (answer_no_parameters(request, response)) {
		for (size_t i = 0; i < api_routes_n; i++)
			(void)json_array_append_new(routes, route_json(&api_routes[i]));
		answer_json(response, json_pack("{s:O}", "routes", routes));
	}
	json_decref(routes);
}

/* What the probe calls its own version, or JSON null. */
static json_t *probe_version(const struct api *api)
{
	const char *text = probe_status_json(api->parts.probe_status);
	json_t *status = text ? json_loads(text, 0, NULL) : NULL;
	json_t *version = json_incref(json_object_get(status, "version"));

	json_decref(status);
	return version ? version : json_null();
}

void about_version(struct api *api, const struct api_request *request, struct response *response)
{
	if (answer_no_parameters(request, response))
		answer_json(response, json_pack("{s:s, s:o}", "version", SYSPROBE_VERSION,
						"probe_version", probe_version(api)));
}

void about_hostname(struct api *api, const struct api_request *request, struct response *response)
{
	const struct host_facts *host = tagging_host(api->parts.tagging);

	if (answer_no_parameters(request, response))
		answer_json(response,
			    json_pack("{s:s, s:s}", "hostname", host_facts_name(host), "source",
				      host_facts_name_source(host)));
}

void stop_agent(struct api *api, const struct api_request *request, struct response *response)
{
	if (!answer_no_parameters(request, response))
		return;
	log_info("ending", "reason=%s", "asked through the API");
	answer_json(response, json_pack("{s:b}", "stopping", 1));
	api->parts.stop(api->parts.stop_context);
}
