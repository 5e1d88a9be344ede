/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_client.h"

#include "auth_token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The answer is handled while it comes, and takes as long as its records take: the
 * limit is on silence. The total one only keeps a trickle from going on for ever.
 */
#define SILENCE_S 10L
#define TIMEOUT_MS 120000L
#define CONNECT_TIMEOUT_MS 5000L

/* 10 million connections of 50 bytes: what no probe within its own limits sends. */
#define MAX_BODY_BYTES (512 * UINT64_C(1024) * 1024)
#define MAX_REASON_BYTES 200
#define MAX_URL_BYTES 128

struct probe_client {
	struct curl_loop *loop;
	CURL *easy;
	struct curl_slist *headers;
	struct auth_token *token;
	struct event *failed; /* reports a request that could not be started, from the loop */
	char *socket_path;
	char curl_error[CURL_ERROR_SIZE];

	/* The request going on. */
	bool is_busy;
	struct batch_stream *stream;
	batch_stream_on_batch on_batch;
	probe_client_done on_done;
	void *context;
	int stream_error;
	bool is_stopped;
	int token_error;
	char reason[MAX_REASON_BYTES + 1]; /* body of an error, its first line */
	size_t reason_size;
};

static int on_batch(const Sysprobe__V1__Batch *batch, void *context)
{
	struct probe_client *client = context;
	int r = client->on_batch(batch, client->context);

	client->is_stopped |= r < 0;
	return r;
}

static bool is_answer_good(const struct probe_client *client)
{
	long status = 0;

	(void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status); /* else 0 */
	return status == 200;
}

static void keep_reason(struct probe_client *client, const char *bytes, size_t size)
{
	size_t n = MAX_REASON_BYTES - client->reason_size;

	if (n > size)
		n = size;
	memcpy(client->reason + client->reason_size, bytes, n);
	client->reason_size += n;
	client->reason[client->reason_size] = '\0';
	client->reason[strcspn(client->reason, "\r\n")] = '\0';
}

/* Of an error's body only the first bytes are of interest: a short count ends it. */
static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct probe_client *client = context;

	(void)size; /* always 1, says CURLOPT_WRITEFUNCTION(3) */
	if (!is_answer_good(client)) {
		keep_reason(client, bytes, n);
		return client->reason_size < MAX_REASON_BYTES ? n : 0;
	}
	client->stream_error = batch_stream_feed(client->stream, bytes, n);
	return client->stream_error < 0 ? 0 : n;
}

static enum probe_problem status_problem(long status)
{
	switch (status) {
	case 200:
		return PROBE_OK;
	case 401:
	case 403:
		return PROBE_TOKEN_REFUSED;
	case 503:
		return PROBE_UNAVAILABLE;
	default:
		return PROBE_BAD_STATUS;
	}
}

/* Of connect(2); 0 when libcurl does not know. */
static int connect_errno(CURL *easy)
{
	long error = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error); /* else 0 */
	return (int)error;
}

static enum probe_problem connect_problem(CURL *easy)
{
	int error = connect_errno(easy);

	return error == EACCES || error == EPERM ? PROBE_NO_ACCESS : PROBE_NOT_RUNNING;
}

static enum probe_problem transfer_problem(CURL *easy, CURLcode result)
{
	switch (result) {
	case CURLE_OK:
	case CURLE_WRITE_ERROR: /* ours, of an error's body */
		return PROBE_OK;
	case CURLE_COULDNT_CONNECT:
		return connect_problem(easy);
	case CURLE_OPERATION_TIMEDOUT:
		return PROBE_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		return PROBE_NO_MEMORY;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
		return PROBE_TRUNCATED;
	default:
		return PROBE_BAD_HTTP;
	}
}

static enum probe_problem stream_problem(int error)
{
	switch (error) {
	case 0:
		return PROBE_OK;
	case -EMSGSIZE:
		return PROBE_TOO_LARGE;
	case -ENODATA:
		return PROBE_TRUNCATED;
	case -ENOMEM:
		return PROBE_NO_MEMORY;
	default:
		return PROBE_GARBAGE;
	}
}

/* The first of: stopped by us, broken stream, failed transfer, bad status, no trailer. */
static enum probe_problem find_problem(const struct probe_client *client, CURLcode result)
{
	enum probe_problem problem;
	long status = 0;

	if (client->is_stopped)
		return PROBE_STOPPED;
	if (client->stream_error < 0)
		return stream_problem(client->stream_error);
	problem = transfer_problem(client->easy, result);
	if (problem != PROBE_OK)
		return problem;
	(void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status); /* else 0 */
	problem = status_problem(status);
	return problem == PROBE_OK ? stream_problem(batch_stream_finish(client->stream)) : problem;
}

static void finish(struct probe_client *client, enum probe_problem problem, const char *detail)
{
	client->is_busy = false;
	batch_stream_free(client->stream);
	client->stream = NULL;
	client->on_done(problem, detail, client->context);
}

static const char *describe(const struct probe_client *client, CURLcode result)
{
	if (client->stream_error < 0)
		return strerror(-client->stream_error);
	if (*client->reason)
		return client->reason;
	if (result == CURLE_OK)
		return NULL;
	/* libcurl's own text speaks of hosts and ports. */
	if (result == CURLE_COULDNT_CONNECT && connect_errno(client->easy))
		return strerror(connect_errno(client->easy));
	return *client->curl_error ? client->curl_error : curl_easy_strerror(result);
}

static void on_transfer_done(CURL *easy, CURLcode result, void *context)
{
	struct probe_client *client = context;

	(void)easy;
	finish(client, find_problem(client, result), describe(client, result));
}

static void on_token_error(evutil_socket_t fd, short events, void *context)
{
	struct probe_client *client = context;

	(void)fd;
	(void)events;
	finish(client, PROBE_TOKEN_MISSING, strerror(-client->token_error));
}

/* Options that hold for every request. libcurl's only failure here is memory. */
static bool set_options(struct probe_client *client)
{
	CURL *easy = client->easy;

	return curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->socket_path) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK && /* nor one of the environment */
	       curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK && /* byte/s */
	       curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_S) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->curl_error) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, client) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "core-agent") == CURLE_OK;
}

struct probe_client *probe_client_new(struct event_base *base, struct curl_loop *loop,
				      const char *socket_path, const char *token_path)
{
	struct probe_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->loop = loop;
	client->socket_path = strdup(socket_path);
	client->token = auth_token_new(token_path);
	client->easy = curl_easy_init();
	client->failed = evtimer_new(base, on_token_error, client);
	if (client->socket_path && client->token && client->easy && client->failed &&
	    set_options(client))
		return client;
	probe_client_free(client);
	return NULL;
}

void probe_client_free(struct probe_client *client)
{
	if (!client)
		return;
	if (client->easy) {
		curl_loop_cancel(client->loop, client->easy);
		curl_easy_cleanup(client->easy);
	}
	if (client->failed)
		event_free(client->failed);
	curl_slist_free_all(client->headers);
	batch_stream_free(client->stream);
	auth_token_free(client->token);
	free(client->socket_path);
	free(client);
}

static int set_headers(struct probe_client *client)
{
	char line[sizeof("Authorization: Bearer ") + AUTH_TOKEN_MAX_CHARS];
	struct curl_slist *headers;
	int r;

	(void)snprintf(line, sizeof(line), "Authorization: Bearer %s",
		       auth_token_get(client->token)); /* fits */
	headers = curl_slist_append(NULL, line);
	explicit_bzero(line, sizeof(line));
	if (!headers)
		return -ENOMEM;
	r = curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK ? 0 : -ENOMEM;
	curl_slist_free_all(client->headers);
	client->headers = headers;
	return r;
}

static int set_url(struct probe_client *client, const char *path, uint64_t from)
{
	char url[MAX_URL_BYTES];
	int n = from ? snprintf(url, sizeof(url), "http://sysprobe%s?from=%" PRIu64, path, from)
		     : snprintf(url, sizeof(url), "http://sysprobe%s", path);

	if (n < 0 || (size_t)n >= sizeof(url))
		return -ENOMEM;
	return curl_easy_setopt(client->easy, CURLOPT_URL, url) == CURLE_OK ? 0 : -ENOMEM;
}

static int start(struct probe_client *client, const char *path, uint64_t from)
{
	static const struct timeval at_once = {0};
	int r;

	client->token_error = auth_token_refresh(client->token);
	if (client->token_error < 0) /* on_done must not be called from inside get() */
		return event_add(client->failed, &at_once) < 0 ? -EIO : 0;
	client->stream = batch_stream_new(MAX_BODY_BYTES, on_batch, client);
	if (!client->stream)
		return -ENOMEM;
	r = set_url(client, path, from);
	if (r == 0)
		r = set_headers(client);
	return r < 0 ? r : curl_loop_start(client->loop, client->easy, on_transfer_done, client);
}

int probe_client_get(struct probe_client *client, const char *path, uint64_t from,
		     batch_stream_on_batch on_batch_of_caller, probe_client_done on_done,
		     void *context)
{
	int r;

	if (client->is_busy)
		return -EBUSY;
	client->on_batch = on_batch_of_caller;
	client->on_done = on_done;
	client->context = context;
	client->stream_error = 0;
	client->is_stopped = false;
	client->reason_size = 0;
	client->reason[0] = '\0';
	client->curl_error[0] = '\0';
	r = start(client, path, from);
	if (r < 0) {
		batch_stream_free(client->stream);
		client->stream = NULL;
		return r;
	}
	client->is_busy = true;
	return 0;
}
