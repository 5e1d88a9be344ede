/* SPDX-License-Identifier: Apache-2.0 */
#include "tagger.h"

#include <stdlib.h>

#include "service.h"
#include "sources/host_facts.h"
#include "sources/sources.h"
#include "tags/entities.h"
#include "tags/tag_sets.h"

struct tagger {
	struct entities *entities;
	struct sources *sources;
	const struct host_facts *host;
	struct tagger_stats stats;
};

struct tagger *tagger_new(struct entities *entities, struct sources *sources,
			  const struct host_facts *host)
{
	struct tagger *tagger = calloc(1, sizeof(*tagger));

	if (!tagger)
		return NULL;
	tagger->entities = entities;
	tagger->sources = sources;
	tagger->host = host;
	return tagger;
}

void tagger_free(struct tagger *tagger)
{
	free(tagger);
}

/* NULL: not known, and its sources have been told. */
static const struct entity *find(struct tagger *tagger, enum entity_kind kind, const char *id,
				 const char *runtime)
{
	const struct entity *entity = entities_find(tagger->entities, kind, id);

	if (!entity)
		sources_wanted(tagger->sources, kind, id, runtime);
	return entity;
}

static const struct entity *find_local(struct tagger *tagger,
				       const struct connection_owner *owner)
{
	const struct entity *entity = NULL;

	if (owner->container_id)
		entity = find(tagger, ENTITY_CONTAINER, owner->container_id,
			      owner->container_runtime);
	if (!entity && owner->pod_uid)
		entity = find(tagger, ENTITY_POD, owner->pod_uid, owner->container_runtime);
	tagger->stats.n_unknown += !entity && (owner->container_id || owner->pod_uid);
	return entity;
}

static void fill_remote(struct tagger *tagger, struct connection *connection)
{
	const struct entity *entity = entities_find_address(
		tagger->entities, connection->family, connection->remote_address);

	if (!entity)
		return;
	connection->remote_tags = entities_tags(tagger->entities, entity);
	connection->remote_service = tag_set_value(connection->remote_tags, TAG_KEY_SERVICE);
	if (entity_kind(entity) == ENTITY_CONTAINER)
		connection->remote_container_id = entity_id(entity);
}

/* A variable of the process itself goes before what its container or pod is labelled. */
static void fill_service(struct connection_owner *owner, const struct tag_set *tags)
{
	const char *service = tag_set_value(tags, TAG_KEY_SERVICE);

	if (service && service_yields_to_labels(owner->service_source)) {
		owner->service = service;
		owner->service_source = service_source_name(SERVICE_SOURCE_LABELS);
	}
	if (!owner->env)
		owner->env = tag_set_value(tags, TAG_KEY_ENV);
	if (!owner->version)
		owner->version = tag_set_value(tags, TAG_KEY_VERSION);
}

static const struct tag_set *fill_local(struct tagger *tagger, struct connection_owner *owner)
{
	const struct entity *entity = find_local(tagger, owner);
	const struct tag_set *tags = entity ? entities_tags(tagger->entities, entity) : NULL;

	fill_service(owner, tags);
	return tags;
}

void tagger_fill(struct tagger *tagger, struct connection *connection)
{
	connection->tags = fill_local(tagger, &connection->owner);
	if (connection->state != CONNECTION_LISTENING)
		fill_remote(tagger, connection);
}

void tagger_fill_other(struct tagger *tagger, struct connection *connection,
		       struct connection *other)
{
	const struct tag_set *tags = fill_local(tagger, &other->owner);

	connection->remote_pid = other->pid;
	connection->remote_comm = other->comm;
	connection->remote_service = other->owner.service;
	if (other->owner.container_id)
		connection->remote_container_id = other->owner.container_id;
	if (tags)
		connection->remote_tags = tags;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

void tagger_fill_interval(struct tagger *tagger, struct interval *interval)
{
	const struct entity *host = entities_find(tagger->entities, ENTITY_HOST, "");

	interval->host_name = or_null(host_facts_name(tagger->host));
	interval->network_id = or_null(host_facts_get(tagger->host, HOST_NETWORK_ID));
	interval->subnets = host_facts_subnets(tagger->host);
	interval->host_tags = host ? entities_tags(tagger->entities, host) : NULL;
}

const struct tagger_stats *tagger_get_stats(const struct tagger *tagger)
{
	return &tagger->stats;
}
