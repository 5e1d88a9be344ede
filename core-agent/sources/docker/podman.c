/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Podman, where its service runs: Docker's protocol on one socket of root's and one of each
 * user's. Users come and go, so the paths are looked for again and again.
 */
#include "sources/source_classes.h"

#include <errno.h>
#include <event2/event.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "docker_api.h"
#include "log.h"
#include "settings.h"
#include "sources/source_health.h"

#define MAX_SOCKETS 8
#define LOOK_INTERVAL_S 60

static const char *const default_patterns[] = {"/run/podman/podman.sock",
					       "/run/user/*/podman/podman.sock"};
#define N_DEFAULT_PATTERNS (sizeof(default_patterns) / sizeof(*default_patterns))

struct source {
	struct source_context context;
	struct docker_api *apis[MAX_SOCKETS];
	size_t n;
	struct event *timer;
	struct source_health health; /* before there is a socket */
	bool is_full_told;
	const struct option_map *rules[2];
};

static bool has(const struct source *source, const char *path)
{
	for (size_t i = 0; i < source->n; i++)
		if (strcmp(docker_api_socket(source->apis[i]), path) == 0)
			return true;
	return false;
}

static void add_socket(struct source *source, const char *path)
{
	const struct docker_api_settings settings = {.name = podman_source.name,
						     .source = ENTITY_FROM_PODMAN,
						     .socket = path,
						     .is_absence_normal = true,
						     .label_rules = source->rules,
						     .n_label_rules = 2};
	struct docker_api *api;

	if (has(source, path))
		return;
	if (source->n == MAX_SOCKETS) {
		if (!source->is_full_told)
			log_warn("too many sockets of podman: the others are not asked",
				 "maximum=%d first_left_out=%s", MAX_SOCKETS, path);
		source->is_full_told = true;
		return;
	}
	api = docker_api_new(&source->context, &settings);
	if (api) /* out of memory: the next look tries again */
		source->apis[source->n++] = api;
}

static void add_matches(struct source *source, const char *pattern)
{
	glob_t found;

	/* Folders that this user may not read are passed over. */
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			add_socket(source, found.gl_pathv[i]);
	globfree(&found);
}

/* What their containers were called stays as long as what a silent source said. */
static void drop_gone(struct source *source)
{
	size_t n = 0;

	for (size_t i = 0; i < source->n; i++) {
		if (access(docker_api_socket(source->apis[i]), F_OK) == 0 || errno != ENOENT)
			source->apis[n++] = source->apis[i];
		else
			docker_api_free(source->apis[i]);
	}
	source->n = n;
}

static void look(struct source *source)
{
	const struct option_list *set = &source->context.settings->podman_sockets;
	const struct timeval wait = {.tv_sec = LOOK_INTERVAL_S};

	drop_gone(source);
	for (size_t i = 0; i < set->n; i++)
		add_matches(source, set->items[i]);
	for (size_t i = 0; set->n == 0 && i < N_DEFAULT_PATTERNS; i++)
		add_matches(source, default_patterns[i]);
	(void)event_add(source->timer, &wait); /* fails without memory only */
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	look(context);
}

static void podman_free(struct source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->n; i++)
		docker_api_free(source->apis[i]);
	if (source->timer)
		event_free(source->timer);
	free(source);
}

static int podman_new(const struct source_context *context, struct source **ret)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->context = *context;
	source->rules[0] = &context->settings->container_labels_as_tags;
	source->rules[1] = &context->settings->docker_labels_as_tags;
	source_health_init(&source->health, podman_source.name);
	source->timer = evtimer_new(context->base, on_timer, source);
	if (!source->timer) {
		podman_free(source);
		return -ENOMEM;
	}
	look(source);
	*ret = source;
	return 0;
}

/* Of the socket that fares worst. */
static const struct source_health *podman_health(const struct source *source)
{
	const struct source_health *worst = &source->health;

	for (size_t i = 0; i < source->n; i++) {
		const struct source_health *health = docker_api_health(source->apis[i]);

		if (i == 0 || health->state > worst->state)
			worst = health;
	}
	return worst;
}

static void podman_wanted(struct source *source, enum entity_kind kind, const char *id)
{
	(void)id;
	for (size_t i = 0; kind == ENTITY_CONTAINER && i < source->n; i++)
		docker_api_wanted(source->apis[i]);
}

const struct source_class podman_source = {
	.name = "podman",
	.new = podman_new,
	.free = podman_free,
	.health = podman_health,
	.wanted = podman_wanted,
};
