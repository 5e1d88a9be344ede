/* SPDX-License-Identifier: Apache-2.0 */
#include "sources.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "source_classes.h"
#include "source_health.h"

/* What is asked for again and again between two ticks is told once. */
#define MAX_WANTED 64

static const struct source_class *const classes[] = {
	&configured_source,
	&cloud_source,
	&ecs_source,
	&cri_source,
	&docker_source,
	&podman_source,
	&kubelet_source,
	&kube_api_source,
};
#define N_CLASSES (sizeof(classes) / sizeof(*classes))

struct running {
	const struct source_class *class;
	struct source *source;
};

struct wanted {
	enum entity_kind kind;
	char id[ENTITY_ID_SIZE];
};

struct sources {
	struct running running[N_CLASSES];
	size_t n;
	struct wanted wanted[MAX_WANTED];
	size_t n_wanted;
};

static void start(struct sources *sources, const struct source_class *class,
		  const struct source_context *context)
{
	struct source *source = NULL;
	int r = class->new(context, &source);

	if (r == 0)
		sources->running[sources->n++] = (struct running){class, source};
	else if (r != -ENODEV)
		log_warn("a source of tags does not start, the others do", "source=%s error=%s",
			 class->name, strerror(-r));
}

struct sources *sources_new(const struct source_context *context)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	for (size_t i = 0; sources && i < N_CLASSES; i++)
		start(sources, classes[i], context);
	return sources;
}

void sources_free(struct sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < sources->n; i++)
		sources->running[i].class->free(sources->running[i].source);
	free(sources);
}

static bool is_wanted(const struct sources *sources, enum entity_kind kind, const char *id)
{
	for (size_t i = 0; i < sources->n_wanted; i++)
		if (sources->wanted[i].kind == kind && strcmp(sources->wanted[i].id, id) == 0)
			return true;
	return false;
}

void sources_wanted(struct sources *sources, enum entity_kind kind, const char *id,
		    const char *runtime)
{
	size_t size = strlen(id) + 1;
	struct wanted *wanted;

	if (!sources || sources->n_wanted == MAX_WANTED || size > sizeof(wanted->id) ||
	    is_wanted(sources, kind, id))
		return;
	wanted = &sources->wanted[sources->n_wanted];
	wanted->kind = kind;
	memcpy(wanted->id, id, size);
	sources->n_wanted++;
	for (size_t i = 0; i < sources->n; i++)
		if (sources->running[i].class->wanted)
			sources->running[i].class->wanted(sources->running[i].source, kind, id,
							  runtime);
}

void sources_tick(struct sources *sources)
{
	sources->n_wanted = 0;
}

const struct source_health *sources_health(const struct sources *sources, size_t i)
{
	return i < sources->n ? sources->running[i].class->health(sources->running[i].source)
			      : NULL;
}
