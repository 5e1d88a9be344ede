/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

/*
 * The kubelet sends no token with its probes, so the two forms that it asks for are
 * open; they say nothing but yes or no. openapi.yaml describes every row.
 */
const struct api_route api_routes[] = {
	{"/agent", false, false, about_index, "this list"},
	{"/agent/version", false, false, about_version, "version of the agent and of the probe"},
	{"/agent/hostname", false, false, about_hostname, "the name that the agent goes by"},
	{"/agent/status", false, false, status_get, "how it goes: ?format=json (default) or text"},
	{"/agent/status/health", false, false, health_get, "what is healthy and what is not"},
	{"/agent/status/health/live", false, true, health_get_live, "200: the agent runs"},
	{"/agent/status/health/ready", false, true, health_get_ready,
	 "200: connections come in, 503: they do not"},
	{"/agent/config", false, false, config_get_all, "all settings in use, without secrets"},
	{"/agent/config/list-runtime", false, false, config_list_runtime,
	 "the settings that may change while the agent runs"},
	{"/agent/config/{setting}", false, false, config_get_one, "one setting"},
	{"/agent/config/{setting}", true, false, config_set_one,
	 "change one setting: {\"value\": ...}"},
	{"/agent/connections", false, false, connections_get,
	 "connections that are open or ended last, filtered and sorted"},
	{"/agent/topology", false, false, rollups_get_topology,
	 "who talks to whom: ?by=process (default), container or service"},
	{"/agent/processes", false, false, rollups_get_processes,
	 "processes that have connections, with their sums"},
	{"/agent/containers", false, false, rollups_get_containers,
	 "containers that have connections, with their sums"},
	{"/agent/tagger-list", false, false, tagger_get_list,
	 "containers, pods and hosts that have tags, and who said them"},
	{"/agent/logs", false, false, logs_get_recent, "the log lines that were written last"},
	{"/agent/reload", true, false, config_reload, "read the settings file again"},
	{"/agent/stop", true, false, stop_agent, "end the agent"},
	{"/agent/stream-logs", true, false, logs_stream, "log lines as they are written"},
};
const size_t api_routes_n = sizeof(api_routes) / sizeof(*api_routes);

const struct api_route api_variable_routes[] = {
	{"/debug/vars", false, true, variables_get_json, "counters of both processes, JSON"},
	{"/metrics", false, true, variables_get_metrics, "the same for Prometheus"},
};
const size_t api_variable_routes_n = sizeof(api_variable_routes) / sizeof(*api_variable_routes);
