/* SPDX-License-Identifier: Apache-2.0 */
#include "tagging.h"

#include "clock.h"
#include "enrich/tagger.h"
#include "host_name.h"
#include "settings.h"
#include "sources/host_facts.h"
#include "sources/sources.h"
#include "tags/entities.h"
#include "tags/tag_sets.h"

#include <stdlib.h>

#define NS_PER_S UINT64_C(1000000000)

/* As long as ended processes are kept, and for the same records (pipeline/poller.c). */
#define KEEP_NS (180 * NS_PER_S)
/* A source may be away for an upgrade without its tags going. */
#define MAX_AGE_NS (3600 * NS_PER_S)

struct tagging {
	struct tag_sets *sets;
	struct entities *entities;
	struct host_facts *host;
	struct host_name *host_name;
	struct sources *sources;
	struct tagger *tagger;
};

static struct sources *new_sources(struct tagging *tagging, const struct agent_settings *settings,
				   struct event_base *base, struct curl_loop *loop)
{
	const struct source_context context = {
		.settings = settings,
		.base = base,
		.loop = loop,
		.entities = tagging->entities,
		.host = tagging->host,
	};

	return sources_new(&context);
}

struct tagging *tagging_new(const struct agent_settings *settings, struct event_base *base,
			    struct curl_loop *loop)
{
	const struct entities_limits limits = {.max_entities = (size_t)settings->max_entities,
					       .keep_ns = KEEP_NS,
					       .max_age_ns = MAX_AGE_NS};
	struct tagging *tagging = calloc(1, sizeof(*tagging));

	if (!tagging)
		return NULL;
	tagging->host = host_facts_new();
	tagging->sets = tag_sets_new();
	if (tagging->sets)
		tagging->entities = entities_new(tagging->sets, &limits);
	if (tagging->host && tagging->entities) {
		tagging->host_name = host_name_new(settings, base, tagging->host);
		tagging->sources = new_sources(tagging, settings, base, loop);
		tagging->tagger = tagger_new(tagging->entities, tagging->sources,
					     tagging->host);
	}
	if (tagging->host_name && tagging->sources && tagging->tagger)
		return tagging;
	tagging_free(tagging);
	return NULL;
}

void tagging_free(struct tagging *tagging)
{
	if (!tagging)
		return;
	tagger_free(tagging->tagger);
	sources_free(tagging->sources);
	host_name_free(tagging->host_name);
	entities_free(tagging->entities);
	tag_sets_free(tagging->sets);
	host_facts_free(tagging->host);
	free(tagging);
}

void tagging_tick(struct tagging *tagging)
{
	entities_tick(tagging->entities, clock_monotonic_ns());
	sources_tick(tagging->sources);
	host_name_tick(tagging->host_name);
}

struct tagger *tagging_tagger(const struct tagging *tagging)
{
	return tagging->tagger;
}

struct tag_sets *tagging_sets(const struct tagging *tagging)
{
	return tagging->sets;
}

struct entities *tagging_entities(const struct tagging *tagging)
{
	return tagging->entities;
}

const struct sources *tagging_sources(const struct tagging *tagging)
{
	return tagging->sources;
}

const struct host_facts *tagging_host(const struct tagging *tagging)
{
	return tagging->host;
}
