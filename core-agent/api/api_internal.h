/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the files of this folder only. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "own_command.h"
#include "server/request.h"
#include "server/response.h"

struct server;

struct api_request {
	const struct request *http;
	const char *argument; /* what stands in the place of {setting}; else empty */
};

typedef void (*api_handler)(struct api *api, const struct api_request *request,
			    struct response *response);

struct api_route {
	const char *path; /* may end in "/{NAME}" */
	bool is_post;
	bool is_open; /* without token */
	api_handler handler;
	const char *help;
};

/* Of the IPC API, and of the variables. */
extern const struct api_route api_routes[];
extern const size_t api_routes_n;
extern const struct api_route api_variable_routes[];
extern const size_t api_variable_routes_n;

struct log_stream_hub;

struct api {
	struct api_parts parts;
	struct event_base *base;
	struct auth_token *token;
	struct server *ipc;	  /* NULL: off, or it could not listen */
	struct server *variables; /* likewise */
	struct event *renew;
	struct log_stream_hub *logs;
	struct own_command_host commands;
	uint64_t started_ns; /* CLOCK_MONOTONIC */
	unsigned int n_lists; /* being read */
	uint64_t n_unauthorized, n_forbidden;
};

/* Takes `value` over; NULL is answered as out of memory. */
void answer_json(struct response *response, json_t *value);

/* {"error": "..."} */
void answer_error(struct response *response, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* False: it is not known, or bad, and `response` says so. */
typedef bool (*answer_on_parameter)(const char *name, const char *value, void *context,
				    struct response *response);

/* Each parameter of the query. False: `response` says what is wrong. */
bool answer_parameters(const struct api_request *request, answer_on_parameter on_parameter,
		       void *context, struct response *response);

/* For routes that take none. */
bool answer_no_parameters(const struct api_request *request, struct response *response);

/* A setting as JSON; a secret that is set as "********". */
json_t *config_value(const struct agent_settings *settings, size_t row);

json_t *health_json(const struct api *api);

/* How each source of tags fares. */
json_t *tagger_sources_json(const struct api *api);

void about_index(struct api *api, const struct api_request *request, struct response *response);
void about_version(struct api *api, const struct api_request *request, struct response *response);
void about_hostname(struct api *api, const struct api_request *request, struct response *response);
void health_get(struct api *api, const struct api_request *request, struct response *response);
void health_get_live(struct api *api, const struct api_request *request, struct response *response);
void health_get_ready(struct api *api, const struct api_request *request,
		      struct response *response);
void status_get(struct api *api, const struct api_request *request, struct response *response);
void config_get_all(struct api *api, const struct api_request *request, struct response *response);
void config_list_runtime(struct api *api, const struct api_request *request,
			 struct response *response);
void config_get_one(struct api *api, const struct api_request *request, struct response *response);
void config_set_one(struct api *api, const struct api_request *request, struct response *response);
void config_reload(struct api *api, const struct api_request *request, struct response *response);
void connections_get(struct api *api, const struct api_request *request,
		     struct response *response);
void rollups_get_topology(struct api *api, const struct api_request *request,
			  struct response *response);
void rollups_get_processes(struct api *api, const struct api_request *request,
			   struct response *response);
void rollups_get_containers(struct api *api, const struct api_request *request,
			    struct response *response);
void tagger_get_list(struct api *api, const struct api_request *request,
		     struct response *response);
void support_diagnose(struct api *api, const struct api_request *request,
		      struct response *response);
void support_flare(struct api *api, const struct api_request *request, struct response *response);
void stop_agent(struct api *api, const struct api_request *request, struct response *response);
void logs_get_recent(struct api *api, const struct api_request *request, struct response *response);
void logs_stream(struct api *api, const struct api_request *request, struct response *response);
void variables_get_json(struct api *api, const struct api_request *request,
			struct response *response);
void variables_get_metrics(struct api *api, const struct api_request *request,
			   struct response *response);
