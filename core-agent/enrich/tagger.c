/* SPDX-License-Identifier: Apache-2.0 */
#include "tagger.h"

#include <stdlib.h>

#include "sources/sources.h"
#include "tags/entities.h"

struct tagger {
	struct entities *entities;
	struct sources *sources;
	struct tagger_stats stats;
};

struct tagger *tagger_new(struct entities *entities, struct sources *sources)
{
	struct tagger *tagger = calloc(1, sizeof(*tagger));

	if (!tagger)
		return NULL;
	tagger->entities = entities;
	tagger->sources = sources;
	return tagger;
}

void tagger_free(struct tagger *tagger)
{
	free(tagger);
}

/* NULL: not known, and its sources have been told. */
static const struct entity *find(struct tagger *tagger, enum entity_kind kind, const char *id)
{
	const struct entity *entity = entities_find(tagger->entities, kind, id);

	if (!entity && tagger->sources)
		sources_wanted(tagger->sources, kind, id);
	return entity;
}

static const struct entity *find_local(struct tagger *tagger,
				       const struct connection_owner *owner)
{
	const struct entity *entity = NULL;

	if (owner->container_id)
		entity = find(tagger, ENTITY_CONTAINER, owner->container_id);
	if (!entity && owner->pod_uid)
		entity = find(tagger, ENTITY_POD, owner->pod_uid);
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
	if (entity_kind(entity) == ENTITY_CONTAINER)
		connection->remote_container_id = entity_id(entity);
}

void tagger_fill(struct tagger *tagger, struct connection *connection)
{
	const struct entity *entity = find_local(tagger, &connection->owner);

	if (entity)
		connection->tags = entities_tags(tagger->entities, entity);
	if (connection->state != CONNECTION_LISTENING)
		fill_remote(tagger, connection);
}

const struct tagger_stats *tagger_get_stats(const struct tagger *tagger)
{
	return &tagger->stats;
}
