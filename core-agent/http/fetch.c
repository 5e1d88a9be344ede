/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "curl_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_CAPACITY 4096

struct fetch {
	struct curl_loop *loop;
	CURL *easy;
	struct curl_slist *headers;
	size_t max_bytes;
	char *bytes;
	size_t size, capacity;
	bool is_too_large, is_out_of_memory, is_given_up;
	bool is_running;
	int connection; /* to a Unix socket, libcurl's, while nobody has looked who is there; or -1 */
	uid_t peer;
	char error[CURL_ERROR_SIZE];

	int (*on_bytes)(const char *bytes, size_t size, void *context);
	fetch_on_answer on_answer;
	void *context;
};

static int make_room(struct fetch *fetch, size_t n)
{
	size_t capacity = fetch->capacity ? fetch->capacity : FIRST_CAPACITY;
	char *grown;

	if (n > fetch->max_bytes - fetch->size) {
		fetch->is_too_large = true;
		return -EFBIG;
	}
	while (capacity < fetch->size + n + 1)
		capacity *= 2;
	grown = capacity > fetch->capacity ? realloc(fetch->bytes, capacity) : fetch->bytes;
	if (!grown) {
		fetch->is_out_of_memory = true;
		return -ENOMEM;
	}
	fetch->bytes = grown;
	fetch->capacity = capacity;
	return 0;
}

static size_t keep(struct fetch *fetch, const char *bytes, size_t n)
{
	if (make_room(fetch, n) < 0)
		return 0;
	memcpy(fetch->bytes + fetch->size, bytes, n);
	fetch->size += n;
	fetch->bytes[fetch->size] = '\0';
	return n;
}

static bool is_good(CURL *easy)
{
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status); /* else 0 */
	return status >= 200 && status < 300;
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct fetch *fetch = context;

	(void)purpose; /* there is one, says CURLOPT_OPENSOCKETFUNCTION(3) */
	fetch->connection =
		socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return fetch->connection < 0 ? CURL_SOCKET_BAD : fetch->connection;
}

/* Not later, as libcurl may have closed it by then. */
static void look_at_peer(struct fetch *fetch)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (fetch->connection >= 0 &&
	    getsockopt(fetch->connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		fetch->peer = peer.uid;
	fetch->connection = -1;
}

/* The body of an error is a text about it, not what was asked for. */
static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct fetch *fetch = context;

	(void)size; /* always 1, says CURLOPT_WRITEFUNCTION(3) */
	look_at_peer(fetch);
	if (!fetch->on_bytes || !is_good(fetch->easy))
		return keep(fetch, bytes, n);
	if (fetch->on_bytes(bytes, n, fetch->context) == 0)
		return n;
	fetch->is_given_up = true;
	return 0;
}

static bool set_security(CURL *easy, const struct fetch_settings *settings)
{
	long verify = settings->is_peer_unverified ? 0 : 1;

	return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       (!settings->ca_file ||
		curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file) == CURLE_OK);
}

/* A connection for each request, so that its peer is known. */
static bool set_unix_socket(struct fetch *fetch, const struct fetch_settings *settings)
{
	CURL *easy = fetch->easy;

	return !settings->unix_socket ||
	       (curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, settings->unix_socket) ==
			CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK);
}

static bool set_route(CURL *easy, const struct fetch_settings *settings)
{
	bool is_used_once = settings->is_http2 || settings->unix_socket;
	long version = settings->is_http2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
					  : CURL_HTTP_VERSION_1_1;

	/*
	 * libcurl 7.88 fails the second request on a connection that began as HTTP/2 ("Error in
	 * the HTTP2 framing layer"); test_container_tags.py meets it.
	 */
	return curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, is_used_once ? 1L : 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_INTERFACE, settings->interface) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
				(long)settings->connect_timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)settings->timeout_ms) == CURLE_OK;
}

static bool set_options(struct fetch *fetch, const struct fetch_settings *settings)
{
	CURL *easy = fetch->easy;

	return set_security(easy, settings) && set_unix_socket(fetch, settings) &&
	       set_route(easy, settings) &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error) == CURLE_OK;
}

struct fetch *fetch_new(struct curl_loop *loop, const struct fetch_settings *settings)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	fetch->loop = loop;
	fetch->max_bytes = settings->max_bytes;
	fetch->connection = -1;
	fetch->peer = FETCH_NO_PEER;
	fetch->easy = curl_easy_init();
	if (fetch->easy && set_options(fetch, settings))
		return fetch;
	fetch_free(fetch);
	return NULL;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	if (fetch->easy) {
		fetch_cancel(fetch);
		curl_easy_cleanup(fetch->easy);
	}
	curl_slist_free_all(fetch->headers);
	free(fetch->bytes);
	free(fetch);
}

static int from_errno(CURL *easy)
{
	long number = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number); /* else 0 */
	switch (number) {
	case ECONNREFUSED:
	case ENOENT:
	case EACCES:
		return -(int)number;
	default:
		return -EHOSTUNREACH;
	}
}

static int to_error(const struct fetch *fetch, CURLcode result)
{
	if (fetch->is_too_large)
		return -EFBIG;
	if (fetch->is_given_up)
		return -ECANCELED;
	if (fetch->is_out_of_memory)
		return -ENOMEM;
	switch (result) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_CONNECT:
		return from_errno(fetch->easy);
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return -EKEYREJECTED;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_SSL_CONNECT_ERROR:
		return -EPROTO;
	default:
		return -EIO;
	}
}

static const char *problem_of(const struct fetch *fetch, CURLcode result)
{
	if (fetch->is_too_large)
		return "the answer is too large";
	if (fetch->is_given_up)
		return "the answer makes no sense";
	if (result == CURLE_OK)
		return "";
	return fetch->error[0] ? fetch->error : curl_easy_strerror(result);
}

static void on_done(CURL *easy, CURLcode result, void *context)
{
	struct fetch *fetch = context;
	struct fetch_answer answer = {
		.error = to_error(fetch, result),
		.problem = problem_of(fetch, result),
		.body = fetch->size ? fetch->bytes : "",
		.size = fetch->size,
	};

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status); /* else 0 */
	fetch->is_running = false;
	fetch->on_answer(&answer, fetch->context);
}

static int set_headers(struct fetch *fetch, const char *const *headers)
{
	struct curl_slist *list = NULL;

	for (; headers && *headers; headers++) {
		struct curl_slist *longer = curl_slist_append(list, *headers);

		if (!longer) {
			curl_slist_free_all(list);
			return -ENOMEM;
		}
		list = longer;
	}
	(void)curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, list); /* keeps the pointer */
	curl_slist_free_all(fetch->headers);
	fetch->headers = list;
	return 0;
}

static bool set_body(CURL *easy, const struct fetch_request *request)
{
	if (!request->body)
		return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				(curl_off_t)request->body_size) == CURLE_OK;
}

static int prepare(struct fetch *fetch, const struct fetch_request *request)
{
	if (set_headers(fetch, request->headers) < 0 || !set_body(fetch->easy, request) ||
	    curl_easy_setopt(fetch->easy, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK ||
	    curl_easy_setopt(fetch->easy, CURLOPT_URL, request->url) != CURLE_OK)
		return -ENOMEM;
	fetch->size = 0;
	fetch->is_too_large = fetch->is_out_of_memory = fetch->is_given_up = false;
	fetch->error[0] = '\0';
	fetch->connection = -1;
	fetch->peer = FETCH_NO_PEER;
	fetch->on_bytes = request->on_bytes;
	return 0;
}

int fetch_start(struct fetch *fetch, const struct fetch_request *request,
		fetch_on_answer on_answer, void *context)
{
	int r;

	if (fetch->is_running)
		return -EBUSY;
	r = prepare(fetch, request);
	if (r < 0)
		return r;
	fetch->on_answer = on_answer;
	fetch->context = context;
	r = curl_loop_start(fetch->loop, fetch->easy, on_done, fetch);
	fetch->is_running = r == 0;
	return r;
}

void fetch_cancel(struct fetch *fetch)
{
	curl_loop_cancel(fetch->loop, fetch->easy);
	fetch->is_running = false;
}

bool fetch_is_running(const struct fetch *fetch)
{
	return fetch->is_running;
}

uid_t fetch_peer(const struct fetch *fetch)
{
	return fetch->peer;
}

const char *fetch_header(struct fetch *fetch, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(fetch->easy, name, 0, CURLH_HEADER | CURLH_TRAILER, -1, &header) !=
	    CURLHE_OK)
		return NULL;
	return header->value;
}
