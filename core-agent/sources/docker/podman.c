/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Podman, where its service runs: Docker's protocol on one socket of root's and one of each
 * user's. Users come and go, so the paths are looked for again and again.
 */
#include "sources/source_classes.h"

#include <errno.h>
#include <event2/event.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "docker_api.h"
#include "log.h"
#include "settings.h"
#include "sources/source_health.h"

#define MAX_SOCKETS 8
#define LOOK_INTERVAL_S 60
#define MAX_CLOSED 128

static const char *const default_patterns[] = {"/run/podman/podman.sock",
					       "/run/user/*/podman/podman.sock"};
#define N_DEFAULT_PATTERNS (sizeof(default_patterns) / sizeof(*default_patterns))

struct podman_socket {
	struct docker_api *api;
	bool is_set; /* by its own path, in the settings: it stays, there or not */
};

struct source {
	struct source_context context;
	struct podman_socket sockets[MAX_SOCKETS];
	size_t n;
	struct event *timer;
	struct source_health health; /* while there is no socket */
	char closed[MAX_CLOSED];     /* paths that cannot be looked at, each after a space */
	bool is_full_told;
	const struct option_map *rules[2];
};

static bool has(const struct source *source, const char *path)
{
	for (size_t i = 0; i < source->n; i++)
		if (strcmp(docker_api_socket(source->sockets[i].api), path) == 0)
			return true;
	return false;
}

static void add_socket(struct source *source, const char *path, bool is_set)
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
		source->sockets[source->n++] = (struct podman_socket){api, is_set};
}

static void try_path(struct source *source, const char *path)
{
	size_t size = strlen(source->closed);

	if (access(path, F_OK) == 0)
		add_socket(source, path, false);
	else if (errno == EACCES && size + 1 + strlen(path) < sizeof(source->closed))
		(void)snprintf(source->closed + size, sizeof(source->closed) - size, " %s",
			       path); /* fits */
}

/*
 * What follows the last component with a wildcard is tried by itself: glob() does not tell
 * what is not there from what is behind a closed folder.
 */
static void try_pattern(struct source *source, const char *pattern, size_t wildcard)
{
	size_t size = wildcard + strcspn(pattern + wildcard, "/");
	char path[PATH_MAX];
	glob_t found;

	(void)snprintf(path, sizeof(path), "%.*s", (int)size, pattern); /* cut: finds nothing */
	if (glob(path, GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++) {
			(void)snprintf(path, sizeof(path), "%s%s", found.gl_pathv[i],
				       pattern + size); /* cut: is not there */
			try_path(source, path);
		}
	globfree(&found);
}

/* Of the last wildcard; -1: there is none. */
static ssize_t last_wildcard(const char *pattern)
{
	for (size_t i = strlen(pattern); i > 0; i--)
		if (strchr("*?[", pattern[i - 1]))
			return (ssize_t)i - 1;
	return -1;
}

static void add_pattern(struct source *source, const char *pattern, bool is_set)
{
	ssize_t wildcard = last_wildcard(pattern);

	if (wildcard >= 0)
		try_pattern(source, pattern, (size_t)wildcard);
	else if (is_set)
		add_socket(source, pattern, true);
	else
		try_path(source, pattern);
}

/* What their containers were called stays as long as what a silent source said. */
static void drop_gone(struct source *source)
{
	size_t n = 0;

	for (size_t i = 0; i < source->n; i++) {
		struct podman_socket socket = source->sockets[i];

		if (socket.is_set || access(docker_api_socket(socket.api), F_OK) == 0 ||
		    errno != ENOENT)
			source->sockets[n++] = socket;
		else
			docker_api_free(socket.api);
	}
	source->n = n;
}

static void look(struct source *source)
{
	const struct option_list *set = &source->context.settings->podman_sockets;
	const struct timeval wait = {.tv_sec = LOOK_INTERVAL_S};

	source->closed[0] = '\0';
	drop_gone(source);
	for (size_t i = 0; i < set->n; i++)
		add_pattern(source, set->items[i], true);
	for (size_t i = 0; set->n == 0 && i < N_DEFAULT_PATTERNS; i++)
		add_pattern(source, default_patterns[i], false);
	if (source->n > 0 || !source->closed[0])
		source_health_init(&source->health, podman_source.name); /* the sockets' counts */
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
		docker_api_free(source->sockets[i].api);
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
		const struct source_health *health = docker_api_health(source->sockets[i].api);

		if (i == 0 || health->state > worst->state)
			worst = health;
	}
	return worst;
}

/*
 * Users have folders that are closed to the agent, with podman or without: no trouble until
 * somebody is there whom podman alone can name, and none of its sockets is open.
 */
static void tell_closed(struct source *source)
{
	const char *user = source->context.settings->user;

	look(source);
	if (source->n == 0 && source->closed[0])
		source_health_failed(&source->health,
				     "closed to the user %s:%s: setfacl -m u:%s:x FOLDER, "
				     "setfacl -m u:%s:rw SOCKET",
				     user, source->closed, user, user);
}

static void podman_wanted(struct source *source, enum entity_kind kind, const char *id,
			  const char *runtime)
{
	(void)id;
	if (kind == ENTITY_CONTAINER && source->n == 0 && runtime &&
	    strcmp(runtime, podman_source.name) == 0)
		tell_closed(source);
	for (size_t i = 0; kind == ENTITY_CONTAINER && i < source->n; i++)
		docker_api_wanted(source->sockets[i].api);
}

const struct source_class podman_source = {
	.name = "podman",
	.new = podman_new,
	.free = podman_free,
	.health = podman_health,
	.wanted = podman_wanted,
};
