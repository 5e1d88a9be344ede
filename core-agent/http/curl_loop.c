/* SPDX-License-Identifier: Apache-2.0 */
#include "curl_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

/* Idle connections that are kept for later transfers. */
#define MAX_IDLE_CONNECTIONS 8

struct transfer {
	CURL *easy; /* NULL: a free place */
	curl_loop_done done;
	void *context;
};

/* A socket that libcurl wants watched; libcurl keeps the pointer (curl_multi_assign). */
struct watch {
	struct event *event;
	LIST_ENTRY(watch) entry;
};

struct curl_loop {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	LIST_HEAD(, watch) watches;
	struct transfer transfers[CURL_LOOP_MAX_TRANSFERS];
};

static struct transfer *find_transfer(struct curl_loop *loop, const CURL *easy)
{
	for (size_t i = 0; i < CURL_LOOP_MAX_TRANSFERS; i++)
		if (loop->transfers[i].easy == easy)
			return &loop->transfers[i];
	return NULL;
}

/* Only here, never inside a libcurl callback, so that `done` may start and cancel. */
static void report_finished(struct curl_loop *loop)
{
	int n_left;

	for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &n_left));) {
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;
		struct transfer *transfer = find_transfer(loop, easy);

		if (message->msg != CURLMSG_DONE || !transfer)
			continue;
		struct transfer finished = *transfer;

		curl_loop_cancel(loop, easy);
		finished.done(easy, result, finished.context);
	}
}

static void act(struct curl_loop *loop, curl_socket_t socket, int bits)
{
	int n_running;

	/* Errors of one transfer arrive as its result; the call itself has none to act on. */
	(void)curl_multi_socket_action(loop->multi, socket, bits, &n_running);
	report_finished(loop);
}

static void on_socket_ready(evutil_socket_t fd, short events, void *context)
{
	int bits = (events & EV_READ ? CURL_CSELECT_IN : 0) |
		   (events & EV_WRITE ? CURL_CSELECT_OUT : 0);

	act(context, fd, bits);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	act(context, CURL_SOCKET_TIMEOUT, 0);
}

static void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	LIST_REMOVE(watch, entry);
	if (watch->event)
		event_free(watch->event);
	free(watch);
}

static struct watch *watch_new(struct curl_loop *loop, curl_socket_t socket)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	LIST_INSERT_HEAD(&loop->watches, watch, entry);
	if (curl_multi_assign(loop->multi, socket, watch) != CURLM_OK) {
		watch_free(watch);
		return NULL;
	}
	return watch;
}

/* A failure leaves the socket unwatched: the transfer then ends by its own timeout. */
static void watch_set(struct curl_loop *loop, struct watch *watch, curl_socket_t socket, int what)
{
	short events = EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
		       (what & CURL_POLL_OUT ? EV_WRITE : 0);

	if (watch->event)
		event_free(watch->event);
	watch->event = event_new(loop->base, socket, events, on_socket_ready, loop);
	if (watch->event)
		(void)event_add(watch->event, NULL);
}

static int on_curl_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *assigned)
{
	struct curl_loop *loop = context;
	struct watch *watch = assigned;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		watch_free(watch);
		(void)curl_multi_assign(loop->multi, socket, NULL); /* already forgotten: fine */
		return 0;
	}
	if (!watch)
		watch = watch_new(loop, socket);
	if (!watch)
		return -1;
	watch_set(loop, watch, socket, what);
	return 0;
}

/* Never acts at once, not even on 0: libcurl forbids the recursion. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct curl_loop *loop = context;
	struct timeval wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	(void)multi;
	if (timeout_ms < 0)
		return event_del(loop->timer);
	return event_add(loop->timer, &wait);
}

static int set_up_multi(struct curl_loop *loop)
{
	CURLM *multi = loop->multi = curl_multi_init();

	if (!multi)
		return -ENOMEM;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
	return 0;
}

struct curl_loop *curl_loop_new(struct event_base *base)
{
	struct curl_loop *loop;

	if (curl_global_init(CURL_GLOBAL_DEFAULT)) /* counts its calls */
		return NULL;
	loop = calloc(1, sizeof(*loop));
	if (!loop) {
		curl_global_cleanup();
		return NULL;
	}
	LIST_INIT(&loop->watches);
	loop->base = base;
	loop->timer = evtimer_new(base, on_timer, loop);
	if (!loop->timer || set_up_multi(loop)) {
		curl_loop_free(loop);
		return NULL;
	}
	return loop;
}

void curl_loop_free(struct curl_loop *loop)
{
	if (!loop)
		return;
	for (size_t i = 0; i < CURL_LOOP_MAX_TRANSFERS; i++)
		if (loop->transfers[i].easy)
			curl_loop_cancel(loop, loop->transfers[i].easy);
	if (loop->multi)
		(void)curl_multi_cleanup(loop->multi); /* still uses the timer and the watches */
	while (!LIST_EMPTY(&loop->watches))
		watch_free(LIST_FIRST(&loop->watches));
	if (loop->timer)
		event_free(loop->timer);
	free(loop);
	curl_global_cleanup();
}

int curl_loop_start(struct curl_loop *loop, CURL *easy, curl_loop_done done, void *context)
{
	struct transfer *place;

	if (find_transfer(loop, easy))
		return -EBUSY;
	place = find_transfer(loop, NULL);
	if (!place)
		return -ENOSPC;
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Before 7.87, ending a transfer that still resolves a name waits for the resolver. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	if (curl_multi_add_handle(loop->multi, easy) != CURLM_OK)
		return -EIO;
	*place = (struct transfer){easy, done, context};
	return 0;
}

void curl_loop_cancel(struct curl_loop *loop, CURL *easy)
{
	struct transfer *transfer = find_transfer(loop, easy);

	if (!transfer)
		return;
	(void)curl_multi_remove_handle(loop->multi, easy); /* fails only for a foreign handle */
	*transfer = (struct transfer){0};
}
