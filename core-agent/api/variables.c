/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "figures.h"
#include "pipeline/ingest.h"
#include "pipeline/probe_status.h"

#define PREFIX "sysprobe_agent_"
#define NS_PER_MS UINT64_C(1000000)

static int set_number(json_t *object, const char *name, uint64_t value)
{
	return json_object_set_new(object, name,
				   json_integer(value > INT64_MAX ? INT64_MAX
								  : (json_int_t)value));
}

/* A figure with a label is a member of an object of the figure's name. */
static json_t *figures_json(const struct figures *figures)
{
	json_t *all = json_object();

	for (size_t i = 0; i < figures->n; i++) {
		const struct figure *row = &figures->rows[i];
		json_t *inner = all;

		if (row->label && !json_object_get(all, row->name))
			(void)json_object_set_new(all, row->name, json_object());
		if (row->label)
			inner = json_object_get(all, row->name);
		(void)set_number(inner, row->label ? row->label_value : row->name, row->value);
	}
	return all;
}

/* JSON null while the probe does not answer. */
static json_t *probe_json(const struct api *api)
{
	const char *text = probe_status_json(api->parts.probe_status);
	json_t *status = text ? json_loads(text, 0, NULL) : NULL;

	if (!json_is_object(status)) {
		json_decref(status);
		return json_null();
	}
	(void)set_number(status, "age_ms",
			 probe_status_age_ns(api->parts.probe_status) / NS_PER_MS);
	return status;
}

void variables_get_json(struct api *api, const struct api_request *request,
			struct response *response)
{
	CLEANUP_FREE struct figures *figures = calloc(1, sizeof(*figures));

	if (!answer_no_parameters(request, response))
		return;
	if (figures)
		figures_collect(api, figures);
	answer_json(response, figures ? json_pack("{s:s, s:o, s:o}", "version", SYSPROBE_VERSION,
						  "agent", figures_json(figures), "probe",
						  probe_json(api))
				      : NULL);
}

static void write_figure(const struct figure *row, bool is_first, struct evbuffer *out)
{
	const char *suffix = row->is_gauge ? "" : "_total";

	if (is_first)
		evbuffer_add_printf(out, "# HELP " PREFIX "%s%s %s\n# TYPE " PREFIX "%s%s %s\n",
				    row->name, suffix, row->help, row->name, suffix,
				    row->is_gauge ? "gauge" : "counter");
	evbuffer_add_printf(out, PREFIX "%s%s", row->name, suffix);
	if (row->label) /* values are names of ours: nothing to escape */
		evbuffer_add_printf(out, "{%s=\"%s\"}", row->label, row->label_value);
	evbuffer_add_printf(out, " %" PRIu64 "\n", row->value);
}

/* The probe's own text follows, under the probe's own names. */
static int write_metrics(const struct api *api, const struct figures *figures,
			 struct evbuffer *out)
{
	const char *probe = probe_status_metrics(api->parts.probe_status);

	for (size_t i = 0; i < figures->n; i++)
		write_figure(&figures->rows[i],
			     i == 0 || strcmp(figures->rows[i].name, figures->rows[i - 1].name),
			     out);
	evbuffer_add_printf(out, "# HELP " PREFIX "info Version.\n# TYPE " PREFIX "info gauge\n"
				 PREFIX "info{version=\"%s\"} 1\n", SYSPROBE_VERSION);
	return probe ? evbuffer_add(out, probe, strlen(probe)) : 0;
}

void variables_get_metrics(struct api *api, const struct api_request *request,
			   struct response *response)
{
	CLEANUP_FREE struct figures *figures = calloc(1, sizeof(*figures));

	if (!answer_no_parameters(request, response))
		return;
	if (figures)
		figures_collect(api, figures);
	if (!figures || write_metrics(api, figures, response->body) < 0)
		response_text(response, 500, "out of memory");
	else
		response->content_type = "text/plain; version=0.0.4; charset=utf-8";
}
