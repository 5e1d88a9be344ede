/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/record_json.h"
#include "exporters/text.h"
#include "list.h"
#include "recent/rollup.h"

struct query {
	struct list_query list;
	struct filter filter;
	enum rollup_by by;
	bool has_by; /* the parameter is understood */
};

struct answer {
	struct rollup *rollup;
	enum rollup_by by;
	bool has_remote;
};

static bool set_by(struct query *query, const char *value, struct response *response)
{
	static const char *const names[] = {[ROLLUP_PROCESS] = "process",
					    [ROLLUP_CONTAINER] = "container",
					    [ROLLUP_SERVICE] = "service"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], value) == 0) {
			query->by = (enum rollup_by)i;
			return true;
		}
	answer_error(response, 400, "by is process, container or service");
	return false;
}

static bool set_parameter(const char *name, const char *value, void *context,
			  struct response *response)
{
	struct query *query = context;
	const char *allowed = "";
	bool is_bad = false;
	int r;

	if (list_set_query(&query->list, name, value, response, &is_bad))
		return !is_bad;
	if (query->has_by && strcmp(name, "by") == 0)
		return set_by(query, value, response);
	r = filter_set(&query->filter, name, value, &allowed);
	if (r == -ENOENT)
		answer_error(response, 400, "no parameter is called %s here", name);
	else if (r < 0)
		answer_error(response, 400, "%s is %s", name, allowed);
	return r == 0;
}

/* What stays the same for all connections of the group. */
static json_t *group_json(const struct recent_record *sample, enum rollup_by by)
{
	struct recent_record group = *sample;

	if (by != ROLLUP_PROCESS) {
		group.pid = 0;
		group.texts[RECENT_COMM] = NULL;
		group.texts[RECENT_EXECUTABLE] = NULL;
		group.texts[RECENT_COMMAND_LINE] = NULL;
		group.texts[RECENT_USER] = NULL;
	}
	group.remote_tags = NULL;
	group.texts[RECENT_REMOTE_CONTAINER_ID] = NULL;
	if (by == ROLLUP_SERVICE) {
		group.tags = NULL;
		group.texts[RECENT_CONTAINER_ID] = NULL;
		group.texts[RECENT_POD_UID] = NULL;
		group.container_runtime = NULL;
	}
	struct connection connection;
	struct interval interval;

	recent_to_connection(&group, &connection, &interval);
	return record_json_owner(&connection);
}

static int set_sums(json_t *object, const struct rollup_row *row)
{
	json_t *sums = json_pack(
		"{s:{s:I, s:I, s:I}, s:I, s:I, s:I, s:I, s:I}", "connections", "open",
		(json_int_t)row->n_open, "closed", (json_int_t)row->n_closed, "failed",
		(json_int_t)row->n_failed, "bytes_sent", (json_int_t)row->total.bytes_sent,
		"bytes_received", (json_int_t)row->total.bytes_received, "packets_sent",
		(json_int_t)row->total.packets_sent, "packets_received",
		(json_int_t)row->total.packets_received, "retransmits",
		(json_int_t)row->total.retransmits);
	int r = json_object_update(object, sums);

	json_decref(sums);
	if (row->max_rtt_us)
		r |= json_object_set_new(object, "max_rtt_us",
					 json_integer((json_int_t)row->max_rtt_us));
	return r;
}

/* A NULL value fails like out of memory does. */
static int set_remote(json_t *object, const struct rollup_row *row)
{
	const char *role = row->role == CONNECTION_SERVER   ? "server"
			   : row->role == CONNECTION_CLIENT ? "client"
							    : NULL;
	char address[INET6_ADDRSTRLEN];
	int r;

	text_format_address(row->family, row->remote_address, address);
	r = json_object_set_new(object, "remote_ip", json_string(address)) |
	    json_object_set_new(object, "proto",
				json_string(row->protocol == CONNECTION_TCP ? "tcp" : "udp"));
	if (role)
		r |= json_object_set_new(object, "role", json_string(role));
	if (row->port)
		r |= json_object_set_new(object, "port", json_integer(row->port));
	return r;
}

static json_t *item(size_t i, void *context)
{
	const struct answer *answer = context;
	const struct rollup_row *row = rollup_get(answer->rollup, i);
	json_t *group = group_json(row->sample, answer->by);
	json_t *object = group;

	if (answer->has_remote) {
		object = json_pack("{s:o}", "local", group);
		if (set_remote(object, row)) {
			json_decref(object);
			return NULL;
		}
	}
	if (!object || set_sums(object, row) == 0)
		return object;
	json_decref(object);
	return NULL;
}

static void answer_free(void *context)
{
	struct answer *answer = context;

	rollup_free(answer->rollup);
	free(answer);
}

static void give(struct api *api, const struct query *query, const char *name,
		 struct response *response)
{
	const struct rollup_settings settings = {.by = query->by,
						 .has_remote = query->has_by,
						 .has_unnamed = query->has_by,
						 .filter = &query->filter};
	struct answer *answer = calloc(1, sizeof(*answer));
	struct list list = {.name = name, .item = item, .free = answer_free, .context = answer};
	size_t n;

	if (!answer || rollup_new(api->parts.recent, &settings, &answer->rollup) < 0) {
		free(answer);
		answer_error(response, 500, "out of memory");
		return;
	}
	answer->by = query->by;
	answer->has_remote = query->has_by;
	n = rollup_n(answer->rollup);
	list.n = n < query->list.limit ? n : query->list.limit;
	list_answer(api, &list, &query->list,
		    json_pack("{s:I, s:I}", "matched", (json_int_t)n, "shown",
			      (json_int_t)list.n),
		    response);
}

void rollups_get_topology(struct api *api, const struct api_request *request,
			  struct response *response)
{
	struct query query = {.list.limit = LIST_DEFAULT_LIMIT, .has_by = true};

	if (answer_parameters(request, set_parameter, &query, response))
		give(api, &query, "edges", response);
}

void rollups_get_processes(struct api *api, const struct api_request *request,
			   struct response *response)
{
	struct query query = {.list.limit = LIST_DEFAULT_LIMIT, .by = ROLLUP_PROCESS};

	if (answer_parameters(request, set_parameter, &query, response))
		give(api, &query, "processes", response);
}

void rollups_get_containers(struct api *api, const struct api_request *request,
			    struct response *response)
{
	struct query query = {.list.limit = LIST_DEFAULT_LIMIT, .by = ROLLUP_CONTAINER};

	if (answer_parameters(request, set_parameter, &query, response))
		give(api, &query, "containers", response);
}
