/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include "history/history.h"
#include "pipeline/poller.h"

/* Connections come in. */
static bool is_ready(const struct poller_health *health)
{
	return health->is_connected && !health->is_stale;
}

static json_t *probe_json(const struct api *api)
{
	struct poller_health health = poller_get_health(api->parts.poller);
	const char *problem = health.is_connected ? "no answer in time"
						  : probe_problem_name(health.last_problem);

	if (!health.is_connected && health.last_problem == PROBE_OK)
		problem = "not asked yet";
	return json_pack("{s:b, s:I, s:s*}", "is_healthy", is_ready(&health), "last_read_ms_ago",
			 (json_int_t)(health.since_whole_ns / 1000000), "problem",
			 is_ready(&health) ? NULL : problem);
}

static json_t *history_json(const struct api *api)
{
	const struct history *history = api->parts.history;
	bool is_healthy = history && !history_is_behind(history);
	const char *problem = !history ? "could not be opened; everything is kept in memory"
				       : "cannot be written; it goes on in memory";

	return json_pack("{s:b, s:s*}", "is_healthy", is_healthy, "problem",
			 is_healthy ? NULL : problem);
}

/* The history is not needed to be ready: the agent does its work without. */
json_t *health_json(const struct api *api)
{
	struct poller_health health = poller_get_health(api->parts.poller);

	return json_pack("{s:b, s:b, s:{s:o, s:o}}", "is_live", 1, "is_ready", is_ready(&health),
			 "components", "probe", probe_json(api), "history", history_json(api));
}

void health_get(struct api *api, const struct api_request *request, struct response *response)
{
	struct poller_health health = poller_get_health(api->parts.poller);

	if (!answer_no_parameters(request, response))
		return;
	response->status = is_ready(&health) ? 200 : 503;
	answer_json(response, health_json(api));
}

/* That this runs at all shows that the loop does. */
void health_get_live(struct api *api, const struct api_request *request, struct response *response)
{
	(void)api;
	if (answer_no_parameters(request, response))
		answer_json(response, json_pack("{s:b}", "is_live", 1));
}

void health_get_ready(struct api *api, const struct api_request *request,
		      struct response *response)
{
	struct poller_health health = poller_get_health(api->parts.poller);

	if (!answer_no_parameters(request, response))
		return;
	response->status = is_ready(&health) ? 200 : 503;
	answer_json(response, json_pack("{s:b}", "is_ready", is_ready(&health)));
}
