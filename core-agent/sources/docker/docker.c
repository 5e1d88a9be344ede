/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's daemon, by its Unix socket. */
#include "sources/source_classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker_api.h"
#include "log.h"
#include "settings.h"

struct source {
	struct docker_api *api;
	const struct option_map *rules[2];
};

/* The path of "unix:///path" or "/path"; NULL: of neither form. */
static const char *path_of(const char *setting)
{
	const char *path = strncmp(setting, "unix://", 7) == 0 ? setting + 7 : setting;

	return *path == '/' ? path : NULL;
}

static int docker_new(const struct source_context *context, struct source **ret)
{
	const char *setting = context->settings->docker_socket;
	struct docker_api_settings settings = {.name = docker_source.name,
					       .source = ENTITY_FROM_DOCKER,
					       .is_absence_normal = true};
	struct source *source;

	if (!*setting)
		return -ENODEV;
	settings.socket = path_of(setting);
	if (!settings.socket) {
		log_warn("docker.socket is no path of a Unix socket: Docker is not asked",
			 "docker.socket=%s", setting);
		return -ENODEV;
	}
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->rules[0] = &context->settings->container_labels_as_tags;
	source->rules[1] = &context->settings->docker_labels_as_tags;
	settings.label_rules = source->rules;
	settings.n_label_rules = 2;
	source->api = docker_api_new(context, &settings);
	if (!source->api) {
		free(source);
		return -ENOMEM;
	}
	*ret = source;
	return 0;
}

static void docker_free(struct source *source)
{
	if (!source)
		return;
	docker_api_free(source->api);
	free(source);
}

static const struct source_health *docker_health(const struct source *source)
{
	return docker_api_health(source->api);
}

static void docker_wanted(struct source *source, enum entity_kind kind, const char *id,
			  const char *runtime)
{
	(void)id;
	(void)runtime;
	if (kind == ENTITY_CONTAINER)
		docker_api_wanted(source->api);
}

const struct source_class docker_source = {
	.name = "docker",
	.new = docker_new,
	.free = docker_free,
	.health = docker_health,
	.wanted = docker_wanted,
};
