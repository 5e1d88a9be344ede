/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list begins each contact; only then the stream of events is opened, from the moment
 * before the list was asked for, so that nothing falls between the two. Whatever goes wrong
 * ends the contact, and the timer begins the next.
 */
#include "docker_api.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"
#include "docker_known.h"
#include "docker_lines.h"
#include "docker_parse.h"
#include "docker_tags.h"
#include "http/backoff.h"
#include "http/fetch.h"
#include "settings.h"
#include "sources/json_items.h"
#include "sources/socket_trouble.h"
#include "sources/source_health.h"
#include "tags/tag_list.h"

#define LIST_INTERVAL_MS 300000
#define TIMEOUT_MS 10000
#define MAX_LIST_BYTES ((size_t)32 * 1024 * 1024)
/* Of one container, which has a few thousand; parsed it may take 80 times as much ("{},{},"). */
#define MAX_CONTAINER_BYTES ((size_t)512 * 1024)
/* A stream that held so long begins a new count of failures. */
#define GOOD_STREAM_S 60
/* Between two attempts because somebody is wanted. */
#define WANTED_INTERVAL_S 5

#define LIST_URL "http://localhost/containers/json?all=1"
#define INSPECT_URL "http://localhost/containers/%s/json"
/* {"type":["container","network"]} */
#define EVENTS_URL                                                                                 \
	"http://localhost/events?since=%lld&filters="                                              \
	"%%7B%%22type%%22%%3A%%5B%%22container%%22%%2C%%22network%%22%%5D%%7D"

struct docker_api {
	struct source_context context;
	struct docker_api_settings settings;
	char *socket;
	struct source_health health;
	struct docker_known *known;
	struct event *timer; /* the next list */
	struct event *wake;  /* questions that came up while none may be asked */
	struct fetch *query, *stream;
	struct docker_lines lines;
	struct json_items *list;
	size_t list_bytes;
	int list_error; /* why the list that comes was given up; 0: it was not */
	bool is_list_due;
	bool is_stream_refused;
	/*
	 * Who said what is being read. Of the connection and not of the file, which a user may
	 * have exchanged between any two looks.
	 */
	uid_t teller;
	uint32_t n_failures, n_stream_failures; /* in a row */
	time_t list_since, stream_since;
	struct tag_list tags;
};

static uint32_t random_bits(void)
{
	uint32_t bits = 0;

	(void)getrandom(&bits, sizeof(bits), 0); /* else all wait alike: no harm */
	return bits;
}

static void arm(struct docker_api *api, uint32_t ms)
{
	const struct timeval wait = {ms / 1000, ms % 1000 * 1000};

	(void)event_add(api->timer, &wait); /* fails without memory only: then no more lists */
}

static void ask_next(struct docker_api *api);

static void report(struct docker_api *api, struct docker_container *container)
{
	struct entity_report said = {.kind = ENTITY_CONTAINER, .id = container->id,
				     .tags = &api->tags, .told_by = api->teller};
	const char *pod_uid;

	if (!docker_known_fill_networks(api->known, container))
		docker_known_set_due(api->known, container->id);
	pod_uid = docker_tags_get(container, api->settings.label_rules,
				  api->settings.n_label_rules, &api->tags);
	/* A user's networks are within a namespace of his, and a kubelet's pods are not his. */
	if (api->teller == 0) {
		said.pod_uid = pod_uid;
		said.addresses = container->addresses;
		said.n_addresses = container->n_addresses;
	}
	/* Refused is counted there; all else about it goes on as if it were kept. */
	(void)entities_set(api->context.entities, api->settings.source, &said, clock_monotonic_ns());
}

static void forget(const char *id, void *context)
{
	struct docker_api *api = context;

	entities_remove_told_by(api->context.entities, api->settings.source, api->teller,
				ENTITY_CONTAINER, id, clock_monotonic_ns());
}

static void on_listed(const struct docker_container *container, void *context)
{
	struct docker_api *api = context;
	struct docker_container copy = *container;

	(void)docker_known_add(api->known, container->id); /* too many: entities say so too */
	/* Its image lost its name since; only the other answer has what it was. */
	if (strncmp(container->image, "sha256:", 7) == 0)
		docker_known_set_due(api->known, container->id);
	else
		report(api, &copy);
}

static int on_list_item(const char *text, size_t size, void *context)
{
	return docker_parse_listed(text, size, on_listed, context);
}

static int on_list_bytes(const char *bytes, size_t size, void *context)
{
	struct docker_api *api = context;

	api->teller = fetch_peer(api->query);
	if (size > MAX_LIST_BYTES - api->list_bytes) {
		api->list_error = -EFBIG;
	} else {
		api->list_bytes += size;
		api->list_error = json_items_feed(api->list, bytes, size);
	}
	return api->list_error;
}

static void on_inspected(const struct docker_container *container, void *context)
{
	struct docker_container copy = *container;

	report(context, &copy);
}

static void end_contact(struct docker_api *api)
{
	fetch_cancel(api->stream);
	docker_lines_deinit(&api->lines);
	api->is_list_due = false;
	arm(api, backoff_delay_ms(++api->n_failures, 0, random_bits()));
}

static void tell_trouble(struct docker_api *api, const struct fetch_answer *answer)
{
	bool is_absent = answer->error == -ENOENT || answer->error == -ECONNREFUSED;

	if (is_absent && api->settings.is_absence_normal && api->health.state == SOURCE_STARTING)
		(void)snprintf(api->health.detail, sizeof(api->health.detail),
			       "nobody answers at %s yet", api->socket); /* cut */
	else
		socket_trouble_tell(&api->health, api->socket, api->context.settings->user,
				    answer);
}

static bool is_good(const struct fetch_answer *answer)
{
	return answer->error == 0 && answer->status == 200;
}

static void on_event(enum docker_event event, const struct docker_container *container,
		     void *context)
{
	struct docker_api *api = context;
	struct docker_container copy = *container;
	bool is_new = !docker_known_has(api->known, container->id);

	if (event == DOCKER_EVENT_REMOVED) {
		if (!is_new)
			forget(container->id, api);
		docker_known_remove(api->known, container->id);
		return;
	}
	if (is_new && event == DOCKER_EVENT_CHANGED)
		return;
	if (is_new) {
		(void)docker_known_add(api->known, copy.id); /* as on_listed() */
		report(api, &copy);
	}
	if (event != DOCKER_EVENT_CREATED)
		docker_known_set_due(api->known, container->id);
}

static void on_line(const char *line, size_t size, void *context)
{
	/* Not an event as we know them: the next list has what it was about. */
	(void)docker_parse_event(line, size, on_event, context);
}

static int on_stream(const char *bytes, size_t size, void *context)
{
	struct docker_api *api = context;
	int r;

	api->teller = fetch_peer(api->stream);
	r = docker_lines_add(&api->lines, bytes, size, on_line, api);
	/* No transfer may be started from within one. */
	event_active(api->wake, EV_TIMEOUT, 0);
	return r;
}

static void on_stream_end(const struct fetch_answer *answer, void *context)
{
	struct docker_api *api = context;

	docker_lines_deinit(&api->lines);
	api->is_stream_refused = answer->error == 0 && answer->status != 200;
	if (api->is_stream_refused)
		source_health_failed(&api->health,
				     "%s: no events, status %ld: containers are known late",
				     api->socket, answer->status);
	if (time(NULL) - api->stream_since > GOOD_STREAM_S)
		api->n_stream_failures = 0;
	arm(api, backoff_delay_ms(++api->n_stream_failures, 0, random_bits()));
}

static void open_stream(struct docker_api *api)
{
	char url[256];
	struct fetch_request request = {.url = url, .on_bytes = on_stream};

	if (fetch_is_running(api->stream))
		return;
	(void)snprintf(url, sizeof(url), EVENTS_URL, (long long)api->list_since);
	api->stream_since = time(NULL);
	/* Without one the next list tries again. */
	(void)fetch_start(api->stream, &request, on_stream_end, api);
}

/* 0, or why there is no whole list; told then. */
static int check_list(struct docker_api *api, const struct fetch_answer *answer)
{
	size_t size;

	if (api->list_error == -EFBIG)
		source_health_failed(&api->health, "%s: the list, or a container in it, is too large",
				     api->socket);
	else if (api->list_error < 0)
		source_health_failed(&api->health, "%s: the list is no JSON array of objects",
				     api->socket);
	else if (!is_good(answer))
		tell_trouble(api, answer);
	else if (!json_items_rest(api->list, &size))
		source_health_failed(&api->health, "%s: the list has no end", api->socket);
	else
		return 0;
	return -EBADMSG;
}

static void on_list(const struct fetch_answer *answer, void *context)
{
	struct docker_api *api = context;

	if (check_list(api, answer) < 0) {
		end_contact(api);
		return;
	}
	api->teller = fetch_peer(api->query);
	docker_known_end_list(api->known, forget, api);
	api->n_failures = 0;
	api->is_stream_refused &= !fetch_is_running(api->stream);
	if (!api->is_stream_refused)
		source_health_answered(&api->health);
	arm(api, LIST_INTERVAL_MS);
	open_stream(api);
	ask_next(api);
}

static void on_inspect(const struct fetch_answer *answer, void *context)
{
	struct docker_api *api = context;

	if (answer->error != 0 && answer->error != -EFBIG) {
		tell_trouble(api, answer);
		end_contact(api);
		return;
	}
	/*
	 * Otherwise the trouble is with that one, and what the event or the list said of it
	 * stays: too large, 404 when it has gone, 500 (Podman) while it goes.
	 */
	api->teller = fetch_peer(api->query);
	if (is_good(answer))
		(void)docker_parse_inspect(answer->body, answer->size, on_inspected, api);
	ask_next(api);
}

static void ask(struct docker_api *api, const struct fetch_request *request,
		fetch_on_answer on_answer)
{
	int r = fetch_start(api->query, request, on_answer, api);

	if (r == 0)
		return;
	source_health_failed(&api->health, "no request: %s", strerror(-r));
	end_contact(api);
}

static void ask_for_list(struct docker_api *api)
{
	const struct fetch_request request = {.url = LIST_URL, .on_bytes = on_list_bytes};

	api->is_list_due = false;
	api->list_since = time(NULL) - 1;
	api->list_bytes = 0;
	api->list_error = 0;
	json_items_reset(api->list);
	docker_known_begin_list(api->known);
	ask(api, &request, on_list);
}

/* One question after the other; the list first. */
static void ask_next(struct docker_api *api)
{
	char url[sizeof(INSPECT_URL) + DOCKER_MAX_ID];
	const char *id;

	if (fetch_is_running(api->query))
		return;
	if (api->is_list_due) {
		ask_for_list(api);
		return;
	}
	id = docker_known_take_due(api->known);
	if (!id)
		return;
	(void)snprintf(url, sizeof(url), INSPECT_URL, id);
	ask(api, &(struct fetch_request){.url = url}, on_inspect);
}

static void on_wake(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	ask_next(context);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	struct docker_api *api = context;

	(void)fd;
	(void)events;
	api->is_list_due = true;
	ask_next(api);
}

static int make_fetches(struct docker_api *api)
{
	struct fetch_settings settings = {.unix_socket = api->socket,
					  .connect_timeout_ms = TIMEOUT_MS,
					  .timeout_ms = TIMEOUT_MS,
					  .max_bytes = MAX_CONTAINER_BYTES};

	api->query = fetch_new(api->context.loop, &settings);
	settings.timeout_ms = 0;
	settings.max_bytes = DOCKER_LINES_MAX_BYTES; /* of what refuses it */
	api->stream = fetch_new(api->context.loop, &settings);
	return api->query && api->stream ? 0 : -ENOMEM;
}

struct docker_api *docker_api_new(const struct source_context *context,
				  const struct docker_api_settings *settings)
{
	struct docker_api *api = calloc(1, sizeof(*api));

	if (!api)
		return NULL;
	api->context = *context;
	api->settings = *settings;
	source_health_init(&api->health, settings->name);
	api->socket = strdup(settings->socket);
	api->known = docker_known_new((size_t)context->settings->max_entities);
	api->timer = evtimer_new(context->base, on_timer, api);
	api->wake = evtimer_new(context->base, on_wake, api);
	api->list = json_items_new(JSON_ITEMS_ARRAY, MAX_CONTAINER_BYTES, on_list_item, api);
	if (!api->socket || !api->known || !api->timer || !api->wake || !api->list ||
	    make_fetches(api) < 0) {
		docker_api_free(api);
		return NULL;
	}
	arm(api, 0);
	return api;
}

void docker_api_free(struct docker_api *api)
{
	if (!api)
		return;
	fetch_free(api->query);
	fetch_free(api->stream);
	docker_lines_deinit(&api->lines);
	if (api->timer)
		event_free(api->timer);
	if (api->wake)
		event_free(api->wake);
	docker_known_free(api->known);
	json_items_free(api->list);
	free(api->socket);
	free(api);
}

const struct source_health *docker_api_health(const struct docker_api *api)
{
	return &api->health;
}

const char *docker_api_socket(const struct docker_api *api)
{
	return api->socket;
}

void docker_api_wanted(struct docker_api *api)
{
	/* In contact, whom it does not know is not its own. */
	if (!fetch_is_running(api->stream) && !fetch_is_running(api->query) &&
	    time(NULL) - api->list_since > WANTED_INTERVAL_S)
		arm(api, 0);
}
