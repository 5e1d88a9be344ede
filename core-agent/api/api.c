/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth_token.h"
#include "clock.h"
#include "log.h"
#include "logs.h"
#include "server/server.h"
#include "server/tls.h"
#include "settings.h"

#define MAX_CLIENTS 64
#define MAX_PER_SECOND 100
#define REQUEST_DEADLINE_MS 10000
#define STALL_DEADLINE_MS 10000
#define VARIABLES_HOST "127.0.0.1"
#define VARIABLES_MAX_CLIENTS 16
/* Of the certificate's end. */
#define LOOK_S 3600

/* True: `path` has the form of the route; `argument` is what stands for its {NAME}. */
static bool is_route(const struct api_route *route, const char *path, const char **argument)
{
	const char *brace = strchr(route->path, '{');
	size_t size = brace ? (size_t)(brace - route->path) : 0;

	*argument = "";
	if (!brace)
		return strcmp(route->path, path) == 0;
	if (strncmp(route->path, path, size) != 0 || !path[size] || strchr(path + size, '/'))
		return false;
	*argument = path + size;
	return true;
}

struct table {
	const struct api_route *rows;
	size_t n;
};

/* The first row that fits, so that a fixed path goes before {NAME}. */
static const struct api_route *find_route(const struct table *table, const struct request *request,
					  const char **argument, bool *has_path)
{
	*has_path = false;
	for (size_t i = 0; i < table->n; i++) {
		const struct api_route *route = &table->rows[i];

		if (!is_route(route, request->path, argument))
			continue;
		*has_path = true;
		if (route->is_post == request->is_post)
			return route;
	}
	return NULL;
}

static bool has_token(struct api *api, const struct request *request, struct response *response)
{
	static const char scheme[] = "Bearer ";
	const size_t scheme_size = strlen(scheme);
	const struct request_span *header = &request->authorization;

	(void)auth_token_refresh(api->token); /* without one nothing matches */
	if (header->size <= scheme_size || memcmp(header->bytes, scheme, scheme_size) != 0) {
		api->n_unauthorized++;
		response->header = "WWW-Authenticate: Bearer realm=\"sysprobe\"";
		answer_error(response, 401, "send Authorization: Bearer TOKEN, with the content of "
					    "the auth-token file");
		return false;
	}
	if (auth_token_matches(api->token, header->bytes + scheme_size,
			       header->size - scheme_size))
		return true;
	api->n_forbidden++;
	answer_error(response, 403, "wrong token: it is not the content of the auth-token file");
	return false;
}

static void dispatch(struct api *api, const struct table *table, const struct request *request,
		     struct response *response)
{
	struct api_request api_request = {.http = request};
	bool has_path;
	const struct api_route *route =
		find_route(table, request, &api_request.argument, &has_path);

	if ((!route || !route->is_open) && table->rows == api_routes &&
	    !has_token(api, request, response))
		return;
	if (route) {
		route->handler(api, &api_request, response);
	} else if (has_path) {
		response->header = request->is_post ? "Allow: GET" : "Allow: POST";
		answer_error(response, 405, "this path takes another method");
	} else {
		answer_error(response, 404, "no such path; GET %s lists them", api_routes[0].path);
	}
}

static void on_ipc_request(const struct request *request, struct response *response, void *context)
{
	const struct table table = {api_routes, api_routes_n};

	dispatch(context, &table, request, response);
}

static void on_variables_request(const struct request *request, struct response *response,
				 void *context)
{
	const struct table table = {api_variable_routes, api_variable_routes_n};

	dispatch(context, &table, request, response);
}

static const char *listen_remedy(int error)
{
	switch (-error) {
	case EADDRINUSE:
		return "another program listens there (ss -ltnp shows which): end it, or set another "
		       "port; 0 turns this off";
	case EINVAL:
		return "set an address of this host, or localhost";
	case EADDRNOTAVAIL:
		return "no interface of this host has that address";
	case EACCES:
		return "ports below 1024 are for root: set another";
	default:
		return "set another port; 0 turns this off";
	}
}

/* NULL, logged, when it cannot listen. */
static struct server *start_server(struct api *api, const struct server_config *config,
				   const char *what)
{
	struct server *server = NULL;
	int r = server_new(api->base, config, &server);

	if (r < 0)
		log_error("cannot listen; the agent goes on without it",
			  "what=%s address=%s port=%u error=%s remedy=%s", what, config->host,
			  config->port, strerror(-r), listen_remedy(r));
	return server;
}

static const char *certificate_remedy(int error)
{
	switch (-error) {
	case EPERM:
		return "only the agent's user may read it: chmod 0600";
	case EINVAL:
		return "it must hold a certificate and its key in PEM: remove it and start again, "
		       "and a new one is made";
	case EACCES:
	case EROFS:
		return "let the agent's user read it and write its directory";
	case ENOENT:
		return "make its directory, owned by the agent's user";
	default:
		return "check ipc_cert_file_path";
	}
}

/* NULL, logged. */
static struct tls_context *load_certificate(const struct api *api)
{
	const struct agent_settings *settings = api->parts.settings;
	const char *host = strcmp(settings->cmd_host, "localhost") ? settings->cmd_host : NULL;
	struct tls_context *tls = NULL;
	int r = tls_context_new(settings->ipc_cert_file_path, host, &tls);

	if (r < 0)
		log_error("cannot use the certificate of the IPC API",
			  "path=%s error=%s remedy=%s", settings->ipc_cert_file_path, strerror(-r),
			  certificate_remedy(r));
	else if (tls_context_is_ending(tls) && tls_context_is_foreign(tls))
		log_warn("the certificate of the IPC API ends soon and was not made here: replace "
			 "it",
			 "path=%s", settings->ipc_cert_file_path);
	return tls;
}

static void start_ipc(struct api *api)
{
	const struct agent_settings *settings = api->parts.settings;
	struct server_config config = {.host = settings->cmd_host,
				       .port = (uint16_t)settings->cmd_port,
				       .handler = on_ipc_request,
				       .context = api,
				       .max_clients = MAX_CLIENTS,
				       .max_per_second = MAX_PER_SECOND,
				       .request_deadline_ms = REQUEST_DEADLINE_MS,
				       .stall_deadline_ms = STALL_DEADLINE_MS};

	if (config.port == 0)
		return;
	config.tls = load_certificate(api);
	if (config.tls)
		api->ipc = start_server(api, &config, "cmd_port");
	tls_context_unref(config.tls);
	if (!api->ipc)
		return;
	log_info("the IPC API listens", "address=%s port=%u", config.host, config.port);
	if (!server_is_loopback(api->ipc))
		log_warn("the IPC API can be reached from other hosts: whoever has the auth token "
			 "can read every connection and stop the agent; set cmd_host to localhost "
			 "unless that is meant",
			 "cmd_host=%s", config.host);
}

static void start_variables(struct api *api)
{
	struct server_config config = {.host = VARIABLES_HOST,
				       .port = (uint16_t)api->parts.settings->expvar_port,
				       .handler = on_variables_request,
				       .context = api,
				       .max_clients = VARIABLES_MAX_CLIENTS,
				       .max_per_second = MAX_PER_SECOND,
				       .request_deadline_ms = REQUEST_DEADLINE_MS,
				       .stall_deadline_ms = STALL_DEADLINE_MS};

	if (config.port == 0)
		return;
	api->variables = start_server(api, &config, "expvar_port");
	if (api->variables)
		log_info("the variables are served", "address=%s port=%u", config.host,
			 config.port);
}

/* Loading one that is about to end makes a new one. */
static void on_renew(evutil_socket_t fd, short events, void *context)
{
	struct api *api = context;
	struct tls_context *tls = api->ipc ? load_certificate(api) : NULL;

	(void)fd;
	(void)events;
	if (tls)
		server_set_tls(api->ipc, tls);
	tls_context_unref(tls);
}

struct api *api_new(struct event_base *base, const struct api_parts *parts)
{
	static const struct timeval look = {.tv_sec = LOOK_S};
	struct api *api = calloc(1, sizeof(*api));

	if (!api)
		return NULL;
	api->parts = *parts;
	api->base = base;
	api->commands.base = base;
	api->started_ns = clock_monotonic_ns();
	api->token = auth_token_new(parts->settings->auth_token_file_path);
	api->logs = log_stream_hub_new();
	api->renew = event_new(base, -1, EV_PERSIST, on_renew, api);
	if (!api->token || !api->logs || !api->renew || event_add(api->renew, &look) < 0) {
		api_free(api);
		return NULL;
	}
	start_ipc(api);
	start_variables(api);
	return api;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	server_free(api->ipc);
	server_free(api->variables);
	log_stream_hub_free(api->logs);
	if (api->renew)
		event_free(api->renew);
	auth_token_free(api->token);
	free(api);
}
