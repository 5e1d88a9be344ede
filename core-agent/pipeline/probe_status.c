/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_status.h"

#include "clock.h"
#include "auth_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVAL_S 10
/* Until the first answer, and while there is none. */
#define RETRY_S 1
#define TIMEOUT_MS 5000L

enum { STATUS, METRICS, N_PAGES };

static const char *const urls[N_PAGES] = {"http://sysprobe/v1/status", "http://sysprobe/metrics"};

struct page {
	char *bytes; /* NULL: none */
	size_t size;
};

struct probe_status {
	struct curl_loop *loop;
	CURL *easy;
	struct curl_slist *headers;
	struct auth_token *token;
	struct event *timer;
	char *socket_path;
	int asking; /* for this page */
	struct page incoming;
	struct page pages[N_PAGES];
	uint64_t came_ns; /* CLOCK_MONOTONIC */
};

static void clear(struct page *page)
{
	free(page->bytes);
	*page = (struct page){0};
}

static void set_timer(struct probe_status *status, time_t seconds)
{
	struct timeval wait = {.tv_sec = seconds};

	(void)event_add(status->timer, &wait); /* a timer that exists can be set */
}

/* What is not known to be true now is not shown. */
static void fail(struct probe_status *status)
{
	for (int i = 0; i < N_PAGES; i++)
		clear(&status->pages[i]);
	clear(&status->incoming);
	set_timer(status, RETRY_S);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct probe_status *status = context;
	struct page *page = &status->incoming;
	char *grown;

	(void)size; /* always 1, says CURLOPT_WRITEFUNCTION(3) */
	if (page->size + n > PROBE_STATUS_MAX_BYTES)
		return 0;
	grown = realloc(page->bytes, page->size + n + 1);
	if (!grown)
		return 0;
	memcpy(grown + page->size, bytes, n);
	page->bytes = grown;
	page->size += n;
	grown[page->size] = '\0';
	return n;
}

static void ask(struct probe_status *status, int page);

static void on_done(CURL *easy, CURLcode result, void *context)
{
	struct probe_status *status = context;
	long code = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code); /* else 0 */
	if (result != CURLE_OK || code != 200 || !status->incoming.bytes ||
	    strlen(status->incoming.bytes) != status->incoming.size) {
		fail(status);
		return;
	}
	clear(&status->pages[status->asking]);
	status->pages[status->asking] = status->incoming;
	status->incoming = (struct page){0};
	status->came_ns = clock_monotonic_ns();
	if (status->asking + 1 < N_PAGES)
		ask(status, status->asking + 1);
	else
		set_timer(status, INTERVAL_S);
}

static int set_token(struct probe_status *status)
{
	char line[AUTH_TOKEN_MAX_CHARS + sizeof("Authorization: Bearer ")];
	struct curl_slist *headers;

	if (auth_token_refresh(status->token) < 0)
		return -1;
	(void)snprintf(line, sizeof(line), "Authorization: Bearer %s",
		       auth_token_get(status->token)); /* fits */
	headers = curl_slist_append(NULL, line);
	explicit_bzero(line, sizeof(line));
	if (!headers)
		return -1;
	curl_easy_setopt(status->easy, CURLOPT_HTTPHEADER, headers);
	curl_slist_free_all(status->headers);
	status->headers = headers;
	return 0;
}

static void ask(struct probe_status *status, int page)
{
	status->asking = page;
	clear(&status->incoming);
	if (set_token(status) < 0 ||
	    curl_easy_setopt(status->easy, CURLOPT_URL, urls[page]) != CURLE_OK ||
	    curl_loop_start(status->loop, status->easy, on_done, status) < 0)
		fail(status);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	ask(context, STATUS);
}

/* libcurl's only failure here is memory. */
static bool set_options(struct probe_status *status)
{
	CURL *easy = status->easy;

	return curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, status->socket_path) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, status) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "core-agent") == CURLE_OK;
}

struct probe_status *probe_status_new(struct event_base *base, struct curl_loop *loop,
				      const char *socket_path, const char *token_path)
{
	struct probe_status *status = calloc(1, sizeof(*status));

	if (!status)
		return NULL;
	status->loop = loop;
	status->socket_path = strdup(socket_path);
	status->token = auth_token_new(token_path);
	status->easy = curl_easy_init();
	status->timer = evtimer_new(base, on_timer, status);
	if (!status->socket_path || !status->token || !status->easy || !status->timer ||
	    !set_options(status)) {
		probe_status_free(status);
		return NULL;
	}
	set_timer(status, 0);
	return status;
}

void probe_status_free(struct probe_status *status)
{
	if (!status)
		return;
	if (status->easy) {
		curl_loop_cancel(status->loop, status->easy);
		curl_easy_cleanup(status->easy);
	}
	curl_slist_free_all(status->headers);
	auth_token_free(status->token);
	if (status->timer)
		event_free(status->timer);
	clear(&status->incoming);
	for (int i = 0; i < N_PAGES; i++)
		clear(&status->pages[i]);
	free(status->socket_path);
	free(status);
}

const char *probe_status_json(const struct probe_status *status)
{
	return status->pages[STATUS].bytes;
}

const char *probe_status_metrics(const struct probe_status *status)
{
	return status->pages[METRICS].bytes;
}

uint64_t probe_status_age_ns(const struct probe_status *status)
{
	return status->pages[STATUS].bytes ? clock_monotonic_ns() - status->came_ns : UINT64_MAX;
}
