/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "http/backoff.h"
#include "kube_client.h"
#include "sources/json_items.h"

#define PAGE 500
#define LIST_TIMEOUT_MS 60000
#define WATCH_S 290
#define WATCH_TIMEOUT_MS ((WATCH_S + 40) * 1000) /* who is silent then has gone */
#define WATCH_AFTER_TROUBLE_S 10 /* its end tells that all is well again */
#define START_SPREAD_MS 3000
#define NOT_READY_MS 1000
#define URL_SIZE 4096
#define GONE 410
#define NOT_FOUND 404

static const struct kube_remedy remedies[] = {
	{401, "the service account's token is not taken: see kubelet_auth_token_path"},
	{403, "the service account needs the verbs list and watch on this: see RBAC in the manual"},
	{NOT_FOUND, "this API server does not have it"},
	{GONE, "it has forgotten where we were"},
	{429, "it asks for fewer requests"},
	{500, "the API server is in trouble: see its log"},
	{503, "the API server is in trouble: see its log"},
	{504, "the API server is in trouble: see its log"},
	{0, NULL},
};
static const char certificate_remedy[] = "see kubernetes_apiserver_ca_path";

struct kube_watch {
	struct kube_watch_handler handler;
	char server[256], path[128], older_path[128], selector[256];
	struct kube_client *lister, *watcher;
	struct json_items *list, *stream;
	struct event *timer;

	bool is_watching; /* what the next or the running request is */
	long event_status; /* of the event that ended the watch; 0: none did */
	bool is_in_trouble;
	uint32_t n_failures;
	char next_page[2048]; /* escaped; "": the first */
	char version[64];
};

static uint32_t random_u32(void)
{
	uint32_t random = 0;

	(void)getrandom(&random, sizeof(random), GRND_NONBLOCK); /* else all come at once */
	return random;
}

static void wait_ms(struct kube_watch *watch, uint32_t delay_ms)
{
	const struct timeval delay = {.tv_sec = delay_ms / 1000,
				      .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000};

	(void)event_add(watch->timer, &delay); /* has memory for its timer since it is new */
}

/* The token of the next page is the server's own and may hold anything. */
static bool escape(const char *text, char *ret, size_t ret_size)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-._~";
	size_t n = 0;

	for (; *text; text++) {
		uint8_t byte = (uint8_t)*text;

		if (n + 4 > ret_size)
			return false;
		if (strchr(safe, *text)) {
			ret[n++] = *text;
			continue;
		}
		ret[n++] = '%';
		ret[n++] = hex[byte >> 4];
		ret[n++] = hex[byte & 15];
	}
	ret[n] = '\0';
	return true;
}

static const char *version_of(const json_t *object)
{
	return json_string_value(
		json_object_get(json_object_get(object, "metadata"), "resourceVersion"));
}

static bool keep_version(struct kube_watch *watch, const char *version)
{
	return version && version[0] &&
	       escape(version, watch->version, sizeof(watch->version));
}

static void tell_good(struct kube_watch *watch)
{
	watch->n_failures = 0;
	watch->is_in_trouble = false;
	watch->handler.on_answer(watch->handler.context);
}

static void list_anew(struct kube_watch *watch)
{
	watch->is_watching = false;
	watch->next_page[0] = '\0';
}

static void fail(struct kube_watch *watch, const char *problem)
{
	struct kube_client *client = watch->is_watching ? watch->watcher : watch->lister;
	char text[512];

	watch->is_in_trouble = true;
	(void)snprintf(text, sizeof(text), "%s%s: %s", watch->server, watch->path, problem);
	watch->handler.on_trouble(text, watch->handler.context);
	wait_ms(watch, backoff_delay_ms(++watch->n_failures, kube_client_retry_after_s(client),
					random_u32()));
}

static void fail_answer(struct kube_watch *watch, const struct fetch_answer *answer)
{
	char problem[256];

	kube_explain(answer, remedies, certificate_remedy, problem, sizeof(problem));
	fail(watch, problem);
}

static int on_listed(const char *bytes, size_t size, void *context)
{
	struct kube_watch *watch = context;
	json_t *object = json_loadb(bytes, size, 0, NULL);

	if (!object)
		return -EBADMSG;
	watch->handler.on_object(object, watch->handler.context);
	json_decref(object);
	return 0;
}

static int take_event(struct kube_watch *watch, const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	json_t *object = json_object_get(event, "object");

	if (!type || !json_is_object(object))
		return -EBADMSG;
	if (strcmp(type, "ERROR") == 0) {
		watch->event_status = json_integer_value(json_object_get(object, "code"));
		return -EREMOTEIO;
	}
	if (!keep_version(watch, version_of(object)))
		return -EBADMSG;
	if (strcmp(type, "DELETED") == 0)
		watch->handler.on_removed(object, watch->handler.context);
	else if (strcmp(type, "BOOKMARK") != 0)
		watch->handler.on_object(object, watch->handler.context);
	tell_good(watch);
	return 0;
}

static int on_event(const char *bytes, size_t size, void *context)
{
	json_t *event = json_loadb(bytes, size, 0, NULL);
	int r = event ? take_event(context, event) : -EBADMSG;

	json_decref(event);
	return r;
}

static int on_list_bytes(const char *bytes, size_t size, void *context)
{
	struct kube_watch *watch = context;

	return json_items_feed(watch->list, bytes, size);
}

static int on_watch_bytes(const char *bytes, size_t size, void *context)
{
	struct kube_watch *watch = context;

	return json_items_feed(watch->stream, bytes, size);
}

/* What a page says besides its items: 0, or -EBADMSG. */
static int read_rest(struct kube_watch *watch)
{
	size_t size = 0;
	const char *rest = json_items_rest(watch->list, &size);
	json_t *list = rest ? json_loadb(rest, size, 0, NULL) : NULL;
	const char *next = json_string_value(
		json_object_get(json_object_get(list, "metadata"), "continue"));
	bool is_good = list && keep_version(watch, version_of(list)) &&
		       escape(next ? next : "", watch->next_page, sizeof(watch->next_page));

	json_decref(list);
	return is_good ? 0 : -EBADMSG;
}

static void ask(struct kube_watch *watch);

static void on_page(const struct fetch_answer *answer, void *context)
{
	struct kube_watch *watch = context;

	if (answer->status == NOT_FOUND && watch->older_path[0]) {
		memcpy(watch->path, watch->older_path, sizeof(watch->path));
		watch->older_path[0] = '\0';
		list_anew(watch);
		ask(watch);
		return;
	}
	if (answer->error < 0 || answer->status != 200 || read_rest(watch) < 0) {
		list_anew(watch); /* the page that failed may not be there again: 410 */
		fail_answer(watch, answer);
		return;
	}
	if (!watch->next_page[0]) {
		watch->handler.on_end(watch->handler.context);
		watch->is_watching = true;
		tell_good(watch);
	}
	ask(watch);
}

static void on_watch_end(const struct fetch_answer *answer, void *context)
{
	struct kube_watch *watch = context;
	struct fetch_answer told = *answer;

	if (watch->event_status)
		told.status = watch->event_status;
	if (told.status == GONE) {
		list_anew(watch);
		wait_ms(watch, backoff_delay_ms(1, 0, random_u32()));
	} else if (told.error == 0 && told.status == 200) {
		tell_good(watch);
		wait_ms(watch, backoff_delay_ms(1, 0, random_u32()));
	} else {
		fail_answer(watch, &told);
	}
}

static int start_list(struct kube_watch *watch)
{
	char url[URL_SIZE];

	if (!watch->next_page[0])
		watch->handler.on_begin(watch->handler.context);
	json_items_reset(watch->list);
	(void)snprintf(url, sizeof(url), "%s%s?limit=%d%s%s%s%s", watch->server, watch->path, PAGE,
		       watch->selector[0] ? "&fieldSelector=" : "", watch->selector,
		       watch->next_page[0] ? "&continue=" : "", watch->next_page);
	return kube_client_get(watch->lister, url, on_list_bytes, on_page, watch);
}

static int start_watch(struct kube_watch *watch)
{
	char url[URL_SIZE];

	watch->event_status = 0;
	json_items_reset(watch->stream);
	(void)snprintf(url, sizeof(url),
		       "%s%s?watch=1&allowWatchBookmarks=true&resourceVersion=%s"
		       "&timeoutSeconds=%d%s%s",
		       watch->server, watch->path, watch->version,
		       watch->is_in_trouble ? WATCH_AFTER_TROUBLE_S : WATCH_S,
		       watch->selector[0] ? "&fieldSelector=" : "", watch->selector);
	return kube_client_get(watch->watcher, url, on_watch_bytes, on_watch_end, watch);
}

static bool is_ready(const struct kube_watch *watch)
{
	return watch->is_watching || !watch->handler.is_ready ||
	       watch->handler.is_ready(watch->handler.context);
}

static void ask(struct kube_watch *watch)
{
	int r;

	if (!is_ready(watch)) {
		wait_ms(watch, NOT_READY_MS);
		return;
	}
	r = watch->is_watching ? start_watch(watch) : start_list(watch);
	if (r < 0)
		fail(watch, strerror(-r));
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	ask(context);
}

static bool make_parts(struct kube_watch *watch, struct event_base *base, struct curl_loop *loop,
		       const struct kube_watch_settings *settings)
{
	struct kube_client_settings of_client = {
		.ca_file = settings->ca_file,
		.token_file = settings->token_file,
		.timeout_ms = LIST_TIMEOUT_MS,
	};

	watch->lister = kube_client_new(loop, &of_client);
	of_client.timeout_ms = WATCH_TIMEOUT_MS;
	watch->watcher = kube_client_new(loop, &of_client);
	watch->list = json_items_new(JSON_ITEMS_LIST, JSON_ITEMS_MAX_ITEM_BYTES,
					on_listed, watch);
	watch->stream = json_items_new(JSON_ITEMS_STREAM, JSON_ITEMS_MAX_ITEM_BYTES,
					on_event, watch);
	watch->timer = event_new(base, -1, 0, on_timer, watch);
	return watch->lister && watch->watcher && watch->list && watch->stream && watch->timer;
}

struct kube_watch *kube_watch_new(struct event_base *base, struct curl_loop *loop,
				  const struct kube_watch_settings *settings,
				  const struct kube_watch_handler *handler)
{
	struct kube_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->handler = *handler;
	(void)snprintf(watch->server, sizeof(watch->server), "%s", settings->server);
	(void)snprintf(watch->path, sizeof(watch->path), "%s", settings->path);
	(void)snprintf(watch->older_path, sizeof(watch->older_path), "%s",
		       settings->older_path ? settings->older_path : "");
	(void)snprintf(watch->selector, sizeof(watch->selector), "%s",
		       settings->selector ? settings->selector : "");
	if (make_parts(watch, base, loop, settings)) {
		wait_ms(watch, random_u32() % START_SPREAD_MS);
		return watch;
	}
	kube_watch_free(watch);
	return NULL;
}

void kube_watch_free(struct kube_watch *watch)
{
	if (!watch)
		return;
	kube_client_free(watch->lister);
	kube_client_free(watch->watcher);
	json_items_free(watch->list);
	json_items_free(watch->stream);
	if (watch->timer)
		event_free(watch->timer);
	free(watch);
}
