/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "exporters/exporters.h"
#include "exporters/text.h"
#include "figures.h"
#include "pipeline/ingest.h"
#include "pipeline/poller.h"
#include "pipeline/probe_status.h"
#include "settings.h"
#include "sources/host_facts.h"
#include "tagging.h"

#define MAX_DEPTH 8

static json_t *time_json(uint64_t unix_ns)
{
	char text[TEXT_TIME_SIZE];

	if (!unix_ns)
		return json_null();
	text_format_time(unix_ns, text);
	return json_string(text);
}

/* The probe's own words; JSON null while it does not answer. */
static json_t *own_status(const struct api *api)
{
	const char *text = probe_status_json(api->parts.probe_status);
	json_t *status = text ? json_loads(text, 0, NULL) : NULL;

	if (json_is_object(status))
		return status;
	json_decref(status);
	return json_null();
}

static json_t *probe_json(const struct api *api)
{
	struct ingest_probe probe = ingest_get_probe(api->parts.ingest);
	struct poller_health health = poller_get_health(api->parts.poller);

	return json_pack("{s:b, s:s, s:s, s:s, s:o, s:I, s:o}", "is_connected",
			 health.is_connected && !health.is_stale, "socket",
			 api->parts.settings->sysprobe_socket, "instance", probe.instance, "tier",
			 probe.tier, "last_poll", time_json(probe.polled_unix_ns),
			 "last_read_ms_ago", (json_int_t)(health.since_whole_ns / 1000000),
			 "status", own_status(api));
}

static json_t *exporters_json(const struct api *api)
{
	const struct exporters *exporters = api->parts.exporters;
	json_t *all = json_object();

	for (size_t i = 0; exporters_name(exporters, i); i++) {
		const struct exporter_stats *stats = exporters_stats(exporters, i);

		(void)json_object_set_new(
			all, exporters_name(exporters, i),
			json_pack("{s:I, s:I, s:I, s:I}", "connections",
				  (json_int_t)stats->n_connections, "delivered",
				  (json_int_t)stats->n_delivered, "dropped",
				  (json_int_t)stats->n_dropped, "errors",
				  (json_int_t)stats->n_errors));
	}
	return all;
}

static void add_counter(json_t *all, const struct figure *row)
{
	json_int_t before = json_integer_value(json_object_get(all, row->name)); /* 0: none */

	(void)json_object_set_new(all, row->name, json_integer(before + (json_int_t)row->value));
}

/* The figures without labels, and sums; others with one are told in their own place. */
static json_t *counters_json(const struct api *api)
{
	CLEANUP_FREE struct figures *figures = calloc(1, sizeof(*figures));
	json_t *all = json_object();

	if (figures)
		figures_collect(api, figures);
	for (size_t i = 0; figures && i < figures->n; i++)
		if (!figures->rows[i].label || figures->rows[i].is_summed)
			add_counter(all, &figures->rows[i]);
	return all;
}

/* What is known of it; empty on most hosts that are in no cloud. */
static json_t *host_json(const struct host_facts *host)
{
	json_t *all = json_object();

	for (int fact = 0; fact < HOST_N_FACTS; fact++)
		if (*host_facts_get(host, (enum host_fact)fact))
			(void)json_object_set_new(
				all, host_fact_name((enum host_fact)fact),
				json_string(host_facts_get(host, (enum host_fact)fact)));
	return all;
}

static json_t *make_status(const struct api *api)
{
	const struct host_facts *host = tagging_host(api->parts.tagging);

	return json_pack("{s:s, s:s, s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "version",
			 SYSPROBE_VERSION, "hostname", host_facts_name(host), "hostname_source",
			 host_facts_name_source(host), "host", host_json(host), "pid",
			 (int)getpid(), "health", health_json(api), "probe", probe_json(api),
			 "exporters", exporters_json(api), "sources", tagger_sources_json(api),
			 "counters", counters_json(api));
}

static void write_scalar(const json_t *value, struct evbuffer *out)
{
	CLEANUP_FREE char *number = NULL;

	if (json_is_string(value))
		evbuffer_add_printf(out, "%s\n", json_string_value(value));
	else if (json_is_boolean(value))
		evbuffer_add_printf(out, "%s\n", json_is_true(value) ? "yes" : "no");
	else if (json_is_number(value) && (number = json_dumps(value, JSON_ENCODE_ANY)))
		evbuffer_add_printf(out, "%s\n", number);
	else
		evbuffer_add_printf(out, "-\n");
}

static void write_value(const json_t *value, int depth, struct evbuffer *out);

static void write_members(json_t *object, int depth, struct evbuffer *out)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		evbuffer_add_printf(out, "%*s%s:", 2 * depth, "", name);
		write_value(value, depth, out);
	}
}

/* What the JSON says, indented, for people. */
static void write_value(const json_t *value, int depth, struct evbuffer *out)
{
	bool is_nested = json_is_object(value) || json_is_array(value);

	evbuffer_add_printf(out, "%s", is_nested ? "\n" : " ");
	if (!is_nested || depth >= MAX_DEPTH) {
		write_scalar(value, out);
	} else if (json_is_object(value)) {
		write_members((json_t *)(uintptr_t)value, depth + 1, out);
	} else {
		for (size_t i = 0; i < json_array_size(value); i++) {
			evbuffer_add_printf(out, "%*s-", 2 * depth + 2, "");
			write_value(json_array_get(value, i), depth + 1, out);
		}
	}
}

static bool set_format(const char *name, const char *value, void *context,
		       struct response *response)
{
	bool *is_text = context;

	*is_text = strcmp(value, "text") == 0;
	if (strcmp(name, "format") == 0 && (*is_text || strcmp(value, "json") == 0))
		return true;
	answer_error(response, 400, "the only parameter is format=json or format=text");
	return false;
}

void status_get(struct api *api, const struct api_request *request, struct response *response)
{
	bool is_text = false;
	json_t *status;

	if (!answer_parameters(request, set_format, &is_text, response))
		return;
	status = make_status(api);
	if (!is_text || !status) {
		answer_json(response, status);
		return;
	}
	response->content_type = "text/plain; charset=utf-8";
	write_members(status, 0, response->body);
	json_decref(status);
}
