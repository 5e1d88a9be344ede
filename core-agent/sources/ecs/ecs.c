/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of ECS tasks on an EC2 instance. The introspection of the container agent knows all
 * of the instance, where it can be reached; else the agent's own task is known at least.
 */
#include "sources/source_classes.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/fetch.h"
#include "clock.h"
#include "log.h"
#include "settings.h"
#include "sources/host_facts.h"
#include "sources/source_health.h"
#include "tags/tag_list.h"
#include "tasks.h"

#define NS_PER_S UINT64_C(1000000000)
#define MS_PER_S 1000
#define DEFAULT_AGENT_URL "http://127.0.0.1:51678"
#define INTERVAL_S 30
#define WANTED_INTERVAL_S 5
#define CONNECT_TIMEOUT_MS 1000
#define TIMEOUT_MS 5000
#define MAX_BYTES (4 * 1024 * 1024)

/* Where the container agent was not found and nobody said that it is there: 10 min. */
#define N_POLLS_WITHOUT_AGENT 20

enum question {
	ASK_CLUSTER,
	ASK_TASKS,
	ASK_OWN_TASK,
};

struct source {
	struct source_context context;
	struct source_health health;
	struct event *timer;
	struct fetch *fetch;
	enum question question; /* that runs */
	unsigned int n_polls_without_agent;
	uint64_t polled_ns; /* when the last poll began */
	char cluster[ECS_CLUSTER_SIZE];
	struct tag_list list; /* of one container */
};

static const char *const paths[] = {
	[ASK_CLUSTER] = "/v1/metadata",
	[ASK_TASKS] = "/v1/tasks",
	[ASK_OWN_TASK] = "/task",
};

static void schedule(struct source *source, uint64_t ms)
{
	struct timeval delay = {.tv_sec = (time_t)(ms / MS_PER_S),
				.tv_usec = (suseconds_t)(ms % MS_PER_S * 1000)};

	if (event_add(source->timer, &delay) < 0)
		log_error("ECS is not asked again: no timer", NULL);
}

static const char *agent_url(const struct source *source)
{
	const char *url = source->context.settings->ecs_agent_url;

	return *url ? url : DEFAULT_AGENT_URL;
}

/* Without it there is a task of our own (ecs_new). */
static bool is_agent_expected(const struct source *source)
{
	return *source->context.settings->ecs_agent_url;
}

static void end_poll(struct source *source)
{
	schedule(source, INTERVAL_S * MS_PER_S);
}

static void set_container(const struct ecs_container *container, void *context)
{
	struct source *source = context;
	struct entity_report report = {
		.kind = ENTITY_CONTAINER, .id = container->id, .tags = &source->list};

	ecs_container_tags(container, &source->list);
	if (source->question == ASK_OWN_TASK && container->cluster)
		(void)snprintf(source->cluster, sizeof(source->cluster), "%s",
			       ecs_short_name(container->cluster));
	/* What finds no room is counted there. */
	(void)entities_set(source->context.entities, ENTITY_FROM_ECS, &report, clock_monotonic_ns());
}

static void set_host(struct source *source)
{
	struct entity_report report = {.kind = ENTITY_HOST, .id = "", .tags = &source->list};

	tag_list_clear(&source->list);
	tag_list_add(&source->list, "ecs_cluster_name", source->cluster);
	host_facts_set(source->context.host, HOST_ECS_CLUSTER, source->cluster);
	(void)entities_set(source->context.entities, ENTITY_FROM_ECS, &report, clock_monotonic_ns());
}

static int set_all(struct source *source, const struct fetch_answer *answer)
{
	int r;

	entities_begin_list(source->context.entities, ENTITY_FROM_ECS);
	if (source->question == ASK_OWN_TASK)
		r = ecs_parse_task(answer->body, answer->size, set_container, source);
	else
		r = ecs_parse_tasks(answer->body, answer->size, source->cluster, set_container,
				    source);
	if (r < 0)
		return r;
	set_host(source);
	entities_end_list(source->context.entities, ENTITY_FROM_ECS, clock_monotonic_ns());
	source_health_answered(&source->health);
	return 0;
}

static void ask(struct source *source, enum question question);

static int take(struct source *source, const struct fetch_answer *answer)
{
	int r;

	if (answer->error < 0 || answer->status != 200)
		return -EPROTO;
	if (source->question != ASK_CLUSTER)
		return set_all(source, answer);
	r = ecs_parse_cluster(answer->body, answer->size, source->cluster);
	if (r == 0)
		ask(source, ASK_TASKS);
	return r;
}

static void fail(struct source *source, const struct fetch_answer *answer)
{
	const char *path = paths[source->question];

	if (answer->error < 0)
		source_health_failed(&source->health, "%s: %s", path, answer->problem);
	else if (answer->status != 200)
		source_health_failed(&source->health, "%s: HTTP status %ld", path, answer->status);
	else
		source_health_failed(&source->health, "%s: no such answer of ECS", path);
}

static void on_answer(const struct fetch_answer *answer, void *context)
{
	struct source *source = context;
	enum question question = source->question;
	int r = take(source, answer);

	if (r == 0 && question == ASK_CLUSTER)
		return; /* the next question runs */
	if (r < 0 && question != ASK_OWN_TASK && !is_agent_expected(source)) {
		source->n_polls_without_agent = N_POLLS_WITHOUT_AGENT;
		ask(source, ASK_OWN_TASK);
		return;
	}
	if (r < 0)
		fail(source, answer);
	end_poll(source);
}

static void ask(struct source *source, enum question question)
{
	const char *base = question == ASK_OWN_TASK ? source->context.settings->ecs_metadata_uri
						    : agent_url(source);
	struct fetch_request request = {0};
	char *url;
	int r = -ENOMEM;
	int size = (int)strlen(base); /* OPTION_MAX_STRING_BYTES at most */

	while (size > 0 && base[size - 1] == '/')
		size--;
	source->question = question;
	if (asprintf(&url, "%.*s%s", size, base, paths[question]) >= 0) {
		request.url = url;
		r = fetch_start(source->fetch, &request, on_answer, source);
		free(url); /* curl has copied it */
	}
	if (r == 0)
		return;
	source_health_failed(&source->health, "%s: %s", paths[question], strerror(-r));
	end_poll(source);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	struct source *source = context;

	(void)fd;
	(void)events;
	source->polled_ns = clock_monotonic_ns();
	if (source->n_polls_without_agent > 0) {
		source->n_polls_without_agent--;
		ask(source, ASK_OWN_TASK);
	} else {
		ask(source, ASK_CLUSTER);
	}
}

static void ecs_wanted(struct source *source, enum entity_kind kind, const char *id,
		       const char *runtime)
{
	uint64_t since_ms = (clock_monotonic_ns() - source->polled_ns) / (NS_PER_S / MS_PER_S);

	(void)id; /* all are asked for at once */
	(void)runtime;
	if (kind != ENTITY_CONTAINER || fetch_is_running(source->fetch))
		return;
	schedule(source, since_ms < WANTED_INTERVAL_S * MS_PER_S
				 ? WANTED_INTERVAL_S * MS_PER_S - since_ms
				 : 0);
}

static void ecs_free(struct source *source)
{
	if (!source)
		return;
	fetch_free(source->fetch);
	if (source->timer)
		event_free(source->timer);
	free(source);
}

static int ecs_new(const struct source_context *context, struct source **ret)
{
	static const struct fetch_settings fetch_settings = {
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = TIMEOUT_MS,
		.max_bytes = MAX_BYTES,
	};
	struct source *source;

	if (!*context->settings->ecs_agent_url && !*context->settings->ecs_metadata_uri)
		return -ENODEV;
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->context = *context;
	source_health_init(&source->health, ecs_source.name);
	source->fetch = fetch_new(context->loop, &fetch_settings);
	source->timer = evtimer_new(context->base, on_timer, source);
	if (!source->fetch || !source->timer) {
		ecs_free(source);
		return -ENOMEM;
	}
	schedule(source, 0);
	*ret = source;
	return 0;
}

static const struct source_health *ecs_health(const struct source *source)
{
	return &source->health;
}

const struct source_class ecs_source = {
	.name = "ecs",
	.new = ecs_new,
	.free = ecs_free,
	.health = ecs_health,
	.wanted = ecs_wanted,
};
