/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "auth_token.h"
#include "cleanup.h"
#include "cli.h"
#include "exporters/text.h"
#include "settings.h"

#define TIMEOUT_MS 10000L
#define MAX_HEADER_BYTES (AUTH_TOKEN_MAX_CHARS + 64)

struct ipc {
	const struct agent_settings *settings;
	CURL *easy;
	struct curl_slist *headers;
};

/* Where a body goes. What is no good answer is kept for its error text. */
struct sink {
	CURL *easy;
	FILE *out; /* NULL: into memory */
	char *bytes;
	size_t size;
	size_t n_lines;
	bool is_closed; /* `out` takes no more */
};

static int fail(struct ipc_problem *problem, int exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct ipc_problem *problem, int exit_code, const char *format, ...)
{
	char text[sizeof(problem->text)];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list); /* cut: for the eye */
	va_end(list);
	text_make_printable(text, sizeof(text), problem->text, sizeof(problem->text));
	problem->exit_code = exit_code;
	return -1;
}

static int fail_file(struct ipc_problem *problem, const char *what, const char *path, int error)
{
	if (error == ENOENT)
		return fail(problem, CLI_UNREACHABLE,
			    "core-agent is not running, or has another %s: %s is missing; start it "
			    "(core-agent run), or name its settings with --config", what, path);
	if (error == EACCES)
		return fail(problem, CLI_UNREACHABLE,
			    "%s %s cannot be read; run this command as root, or as the agent's user",
			    what, path);
	return fail(problem, CLI_UNREACHABLE, "%s %s cannot be used: %s; see core-agent diagnose",
		    what, path, strerror(error));
}

static int set_token(struct ipc *ipc, struct ipc_problem *problem)
{
	const char *path = ipc->settings->auth_token_file_path;
	struct auth_token *token = auth_token_new(path);
	char header[MAX_HEADER_BYTES];
	int r = token ? auth_token_refresh(token) : -ENOMEM;

	if (r == 0) {
		(void)snprintf(header, sizeof(header), "Authorization: Bearer %s",
			       auth_token_get(token)); /* fits */
		ipc->headers = curl_slist_append(NULL, header);
		explicit_bzero(header, sizeof(header));
		r = ipc->headers ? 0 : -ENOMEM;
	}
	auth_token_free(token);
	return r < 0 ? fail_file(problem, "auth token", path, -r) : 0;
}

static int check_certificate(const struct ipc *ipc, struct ipc_problem *problem)
{
	const char *path = ipc->settings->ipc_cert_file_path;
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");

	return file ? 0 : fail_file(problem, "certificate", path, errno);
}

static int set_up(struct ipc *ipc, struct ipc_problem *problem)
{
	if (ipc->settings->cmd_port == 0)
		return fail(problem, CLI_UNREACHABLE,
			    "the IPC API is off in these settings; set cmd_port");
	ipc->easy = curl_easy_init();
	if (!ipc->easy)
		return fail(problem, CLI_FAILED, "out of memory");
	return set_token(ipc, problem) < 0 ? -1 : check_certificate(ipc, problem);
}

int ipc_new(const struct agent_settings *settings, struct ipc **ret,
	       struct ipc_problem *problem)
{
	struct ipc *ipc = calloc(1, sizeof(*ipc));

	if (!ipc)
		return fail(problem, CLI_FAILED, "out of memory");
	ipc->settings = settings;
	if (set_up(ipc, problem) < 0) {
		ipc_free(ipc);
		return -1;
	}
	curl_easy_setopt(ipc->easy, CURLOPT_CAINFO, settings->ipc_cert_file_path);
	curl_easy_setopt(ipc->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(ipc->easy, CURLOPT_HTTPHEADER, ipc->headers);
	curl_easy_setopt(ipc->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(ipc->easy, CURLOPT_NOSIGNAL, 1L);
	ipc_set_timeout(ipc, TIMEOUT_MS);
	*ret = ipc;
	return 0;
}

void ipc_free(struct ipc *ipc)
{
	if (!ipc)
		return;
	curl_slist_free_all(ipc->headers);
	if (ipc->easy)
		curl_easy_cleanup(ipc->easy);
	free(ipc);
}

void ipc_set_timeout(struct ipc *ipc, long timeout_ms)
{
	curl_easy_setopt(ipc->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
}

static bool is_good(const struct sink *sink)
{
	long status = 0;

	(void)curl_easy_getinfo(sink->easy, CURLINFO_RESPONSE_CODE, &status); /* else 0 */
	return status == 200;
}

static size_t keep(struct sink *sink, const char *bytes, size_t n)
{
	char *grown;

	if (sink->size + n > IPC_MAX_BODY_BYTES)
		return 0;
	grown = realloc(sink->bytes, sink->size + n + 1);
	if (!grown)
		return 0;
	memcpy(grown + sink->size, bytes, n);
	sink->bytes = grown;
	sink->size += n;
	grown[sink->size] = '\0';
	return n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct sink *sink = context;

	(void)size; /* always 1, says CURLOPT_WRITEFUNCTION(3) */
	if (!sink->out || !is_good(sink))
		return keep(sink, bytes, n);
	for (size_t i = 0; i < n; i++)
		sink->n_lines += bytes[i] == '\n';
	if (fwrite(bytes, 1, n, sink->out) == n)
		return n;
	sink->is_closed = true;
	return 0;
}

/* An address that means every address is no place to go to. */
static const char *host(const struct agent_settings *settings)
{
	const char *host = settings->cmd_host;

	return !*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 ? "localhost"
										 : host;
}

static int set_url(const struct ipc *ipc, const char *path, struct ipc_problem *problem)
{
	struct in6_addr six;
	const char *name = host(ipc->settings);
	bool is_ipv6 = inet_pton(AF_INET6, name, &six) == 1;
	CLEANUP_FREE char *url = NULL;

	if (asprintf(&url, "https://%s%s%s:%d%s", is_ipv6 ? "[" : "", name, is_ipv6 ? "]" : "",
		     (int)ipc->settings->cmd_port, path) < 0) {
		url = NULL;
		return fail(problem, CLI_FAILED, "out of memory");
	}
	curl_easy_setopt(ipc->easy, CURLOPT_URL, url); /* which copies it */
	return 0;
}

static int explain_transfer(const struct ipc *ipc, CURLcode result,
			    struct ipc_problem *problem)
{
	const char *name = host(ipc->settings);
	int port = (int)ipc->settings->cmd_port;

	switch (result) {
	case CURLE_COULDNT_CONNECT:
		return fail(problem, CLI_UNREACHABLE,
			    "core-agent is not running: nothing listens on %s port %d; start it "
			    "(core-agent run), then see core-agent diagnose", name, port);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		return fail(problem, CLI_UNREACHABLE,
			    "what answers on %s port %d does not have the certificate in %s; restart "
			    "core-agent, or use the ipc_cert_file_path it has", name, port,
			    ipc->settings->ipc_cert_file_path);
	case CURLE_OPERATION_TIMEDOUT:
		return fail(problem, CLI_UNREACHABLE,
			    "core-agent on %s port %d does not answer in time; look at its log, or "
			    "restart it", name, port);
	default:
		return fail(problem, CLI_FAILED, "asking core-agent on %s port %d failed: %s", name,
			    port, curl_easy_strerror(result));
	}
}

/* {"error": "..."} */
static int explain_status(const struct ipc *ipc, long status, const struct sink *sink,
			  struct ipc_problem *problem)
{
	json_t *answer = sink->bytes ? json_loadb(sink->bytes, sink->size, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(answer, "error"));

	if (status == 401 || status == 403)
		(void)fail(problem, CLI_UNREACHABLE,
			   "core-agent does not accept the token in %s; use the auth_token_file_path "
			   "it has, or restart it", ipc->settings->auth_token_file_path);
	else if (status >= 400 && status < 500 && status != 429)
		(void)fail(problem, CLI_USAGE, "%s", text ? text : "core-agent refuses the request");
	else
		(void)fail(problem, CLI_FAILED, "core-agent answers with status %ld: %s", status,
			   text ? text : "no reason given");
	json_decref(answer);
	return -1;
}

/* The HTTP status, or -1 with `problem`. */
static long transfer(struct ipc *ipc, const char *path, const char *body, struct sink *sink,
		     struct ipc_problem *problem)
{
	CURLcode result;
	long status = 0;

	if (set_url(ipc, path, problem) < 0)
		return -1;
	sink->easy = ipc->easy;
	curl_easy_setopt(ipc->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(ipc->easy, CURLOPT_WRITEDATA, sink);
	curl_easy_setopt(ipc->easy, CURLOPT_HTTPGET, 1L);
	if (body)
		curl_easy_setopt(ipc->easy, CURLOPT_POSTFIELDS, body);
	result = curl_easy_perform(ipc->easy);
	if (result != CURLE_OK && !sink->is_closed)
		return explain_transfer(ipc, result, problem);
	(void)curl_easy_getinfo(ipc->easy, CURLINFO_RESPONSE_CODE, &status); /* else 0 */
	return status;
}

json_t *ipc_ask(struct ipc *ipc, const char *path, const json_t *body, bool accept_503,
		   struct ipc_problem *problem)
{
	CLEANUP_FREE char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct sink sink = {0};
	json_t *answer = NULL;
	long status = transfer(ipc, path, text, &sink, problem);

	if (status == 200 || (status == 503 && accept_503)) {
		answer = json_loadb(sink.bytes ? sink.bytes : "", sink.size, 0, NULL);
		if (!answer)
			(void)fail(problem, CLI_FAILED, "core-agent's answer to %s is no JSON", path);
	} else if (status >= 0) {
		(void)explain_status(ipc, status, &sink, problem);
	}
	free(sink.bytes);
	return answer;
}

int ipc_copy(struct ipc *ipc, const char *path, FILE *out, size_t *ret_lines,
		struct ipc_problem *problem)
{
	struct sink sink = {.out = out};
	long status = transfer(ipc, path, NULL, &sink, problem);

	if (status >= 0 && status != 200)
		(void)explain_status(ipc, status, &sink, problem);
	*ret_lines = sink.n_lines;
	free(sink.bytes);
	return status == 200 ? 0 : -1;
}

static int add_parameter(FILE *out, const char *name, const char *value, char separator)
{
	char *escaped = curl_easy_escape(NULL, value, 0);

	if (!escaped)
		return -ENOMEM;
	fprintf(out, "%c%s=%s", separator, name, escaped);
	curl_free(escaped);
	return 0;
}

char *ipc_query(const char *path, const struct arguments *arguments)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	char separator = strchr(path, '?') ? '&' : '?';
	int r = 0;

	if (!out)
		return NULL;
	fputs(path, out);
	for (size_t i = 0; i < arguments->n_given && r == 0; i++) {
		const struct flag *flag = arguments->given[i].flag;
		char name[64];

		if (!flag->is_query)
			continue;
		(void)snprintf(name, sizeof(name), "%s", flag->name); /* ours: fits */
		for (char *c = name; *c; c++)
			*c = *c == '-' ? '_' : *c;
		r = add_parameter(out, name, arguments->given[i].value, separator);
		separator = '&';
	}
	if (fclose(out) == EOF || r < 0) {
		free(text);
		return NULL;
	}
	return text;
}
