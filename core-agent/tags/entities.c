/* SPDX-License-Identifier: Apache-2.0 */
#include "entities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address_index.h"
#define uthash_nonfatal_oom(item) ((item)->is_out_of_memory = true)
#include "fast_hash.h"
#include "tag_list.h"
#include "tag_sets.h"

/* Compared as bytes: what is behind the id is zero. */
struct entity_key {
	uint32_t kind;
	char id[ENTITY_ID_SIZE];
};

/* What one source says. */
struct claim {
	bool is_there;
	uid_t told_by;
	uint32_t list;		    /* number of the list that had it last */
	uint32_t n_left_out, n_cut; /* tags, when it was said last */
	uint32_t n_without_room;    /* tags, when they were last merged with others' */
	uint64_t seen_ns;
	uint64_t gone_ns;	    /* 0: the source has it */
	const struct tag_set *tags; /* NULL: none */
};

struct entity {
	struct entity_key key;
	UT_hash_handle hh;
	/* Read for each connection, so beside what it is found by. */
	const struct tag_set *merged;
	uint64_t merged_at; /* what entities.changes was */
	bool is_out_of_memory; /* could not be linked in */
	char pod_uid[ENTITY_ID_SIZE];
	unsigned int pod_from; /* bit for each source that says this pod */
	struct claim claims[ENTITY_N_SOURCES];
	struct address_list addresses; /* those that still point here */
};

struct entities {
	struct tag_sets *sets;
	struct entities_limits limits;
	struct entity *table;
	struct address_index addresses;
	uint32_t list[ENTITY_N_SOURCES];
	uint64_t confirmed_ns[ENTITY_N_SOURCES];
	size_t n_from[ENTITY_N_SOURCES];
	uint64_t changes; /* so many; merged sets from before the last one are stale */
	struct entities_stats stats[ENTITY_N_SOURCES];
	struct tag_list scratch;
};

struct entities *entities_new(struct tag_sets *sets, const struct entities_limits *limits)
{
	struct entities *entities = calloc(1, sizeof(*entities));

	if (!entities)
		return NULL;
	entities->sets = sets;
	entities->limits = *limits;
	entities->changes = 1;
	return entities;
}

/* `source` says no pod any more. True: nobody does. */
static bool leave_pod(struct entity *entity, enum entity_source source)
{
	unsigned int before = entity->pod_from;

	entity->pod_from &= ~(1u << source);
	if (!before || entity->pod_from)
		return false;
	entity->pod_uid[0] = '\0';
	return true;
}

static void drop_claim(struct entities *entities, struct entity *entity, enum entity_source source)
{
	struct claim *claim = &entity->claims[source];

	if (!claim->is_there)
		return;
	if (!claim->gone_ns)
		entities->n_from[source]--;
	tag_set_release(claim->tags);
	*claim = (struct claim){0};
	(void)leave_pod(entity, source); /* all is merged anew in any case */
	address_index_remove(&entities->addresses, &entity->addresses, source);
	entities->changes++;
}

static void remove_entity(struct entities *entities, struct entity *entity)
{
	for (int source = 0; source < ENTITY_N_SOURCES; source++)
		drop_claim(entities, entity, source);
	tag_set_release(entity->merged);
	HASH_DEL(entities->table, entity);
	free(entity);
}

void entities_free(struct entities *entities)
{
	struct entity *entity, *next;

	if (!entities)
		return;
	HASH_ITER(hh, entities->table, entity, next)
		remove_entity(entities, entity);
	free(entities);
}

static int make_key(enum entity_kind kind, const char *id, struct entity_key *ret)
{
	size_t size = id ? strlen(id) : 0;

	if (size >= sizeof(ret->id) || (size == 0 && kind != ENTITY_HOST))
		return -EINVAL;
	*ret = (struct entity_key){.kind = kind};
	memcpy(ret->id, id ? id : "", size);
	return 0;
}

static struct entity *find(const struct entities *entities, const struct entity_key *key)
{
	struct entity *entity;

	HASH_FIND(hh, entities->table, key, sizeof(*key), entity);
	return entity;
}

static struct entity *add_entity(struct entities *entities, const struct entity_key *key)
{
	struct entity *entity = calloc(1, sizeof(*entity));

	if (!entity)
		return NULL;
	entity->key = *key;
	HASH_ADD(hh, entities->table, key, sizeof(entity->key), entity);
	if (!entity->is_out_of_memory)
		return entity;
	free(entity);
	return NULL;
}

static bool has_claims(const struct entity *entity)
{
	for (int source = 0; source < ENTITY_N_SOURCES; source++)
		if (entity->claims[source].is_there)
			return true;
	return false;
}

/* True: it is another one than before. */
static bool set_pod(struct entity *entity, enum entity_source source, const char *pod_uid)
{
	size_t size = pod_uid ? strlen(pod_uid) : 0;

	if (size == 0 || size >= sizeof(entity->pod_uid))
		return leave_pod(entity, source);
	if (strcmp(entity->pod_uid, pod_uid) == 0) {
		entity->pod_from |= 1u << source;
		return false;
	}
	memcpy(entity->pod_uid, pod_uid, size + 1);
	entity->pod_from = 1u << source;
	return true;
}

/* Of `n`, what is not counted yet: all when something new was said. */
static uint64_t newly_lost(bool is_new, size_t n, uint32_t *last)
{
	uint64_t more = is_new ? n : n > *last ? n - *last : 0;

	*last = (uint32_t)n;
	return more;
}

static void set_claim(struct entities *entities, struct entity *entity, enum entity_source source,
		      const struct entity_report *report, uint64_t now_ns)
{
	struct claim *claim = &entity->claims[source];
	struct entities_stats *stats = &entities->stats[source];
	const struct tag_set *before = claim->tags;
	bool is_new;

	if (!claim->is_there || claim->gone_ns)
		entities->n_from[source]++;
	claim->tags = tag_sets_take(entities->sets, report->tags);
	is_new = claim->tags != before || !claim->is_there;
	entities->changes += is_new;
	stats->n_tags_left_out +=
		newly_lost(is_new, report->tags->n_left_out, &claim->n_left_out);
	stats->n_tags_cut += newly_lost(is_new, report->tags->n_cut, &claim->n_cut);
	tag_set_release(before);
	claim->is_there = true;
	claim->told_by = report->told_by;
	claim->gone_ns = 0;
	claim->seen_ns = now_ns;
	claim->list = entities->list[source];
	if (set_pod(entity, source, report->pod_uid))
		entities->changes++;
	stats->n_addresses_left_out +=
		address_index_set(&entities->addresses, entity, &entity->addresses, source,
				  report->addresses, report->n_addresses);
}

static bool is_of_another(const struct entity *entity, uid_t told_by)
{
	for (int source = 0; source < ENTITY_N_SOURCES; source++)
		if (entity->claims[source].is_there && entity->claims[source].told_by != told_by)
			return true;
	return false;
}

static void drop_words_of_users(struct entities *entities, struct entity *entity)
{
	for (int source = 0; source < ENTITY_N_SOURCES; source++)
		if (entity->claims[source].told_by != 0)
			drop_claim(entities, entity, source);
}

int entities_set(struct entities *entities, enum entity_source source,
		 const struct entity_report *report, uint64_t now_ns)
{
	struct entity_key key;
	struct entity *entity;

	if (make_key(report->kind, report->id, &key) < 0)
		return -EINVAL;
	entity = find(entities, &key);
	if (entity && report->told_by != 0 && is_of_another(entity, report->told_by)) {
		entities->stats[source].n_users_refused++;
		return -EPERM;
	}
	if ((!entity || !entity->claims[source].is_there || entity->claims[source].gone_ns) &&
	    entities->n_from[source] >= entities->limits.max_entities) {
		entities->stats[source].n_entities_left_out++;
		return -ENOSPC;
	}
	if (!entity)
		entity = add_entity(entities, &key);
	if (!entity) {
		entities->stats[source].n_entities_left_out++;
		return -ENOMEM;
	}
	if (report->told_by == 0)
		drop_words_of_users(entities, entity);
	set_claim(entities, entity, source, report, now_ns);
	return 0;
}

bool entities_keep(struct entities *entities, enum entity_source source, enum entity_kind kind,
		   const char *id, uint64_t now_ns)
{
	struct entity_key key;
	struct entity *entity = make_key(kind, id, &key) == 0 ? find(entities, &key) : NULL;
	struct claim *claim = entity ? &entity->claims[source] : NULL;

	if (!claim || !claim->is_there || claim->gone_ns)
		return false;
	claim->seen_ns = now_ns;
	claim->list = entities->list[source];
	return true;
}

static void end_claim(struct entities *entities, struct entity *entity, enum entity_source source,
		      uint64_t now_ns)
{
	struct claim *claim = &entity->claims[source];

	if (!claim->is_there || claim->gone_ns)
		return;
	claim->gone_ns = now_ns ? now_ns : 1;
	entities->n_from[source]--;
}

void entities_remove_told_by(struct entities *entities, enum entity_source source, uid_t told_by,
			     enum entity_kind kind, const char *id, uint64_t now_ns)
{
	struct entity_key key;
	struct entity *entity = make_key(kind, id, &key) == 0 ? find(entities, &key) : NULL;

	if (entity && (told_by == 0 || entity->claims[source].told_by == told_by))
		end_claim(entities, entity, source, now_ns);
}

void entities_remove(struct entities *entities, enum entity_source source, enum entity_kind kind,
		     const char *id, uint64_t now_ns)
{
	entities_remove_told_by(entities, source, 0, kind, id, now_ns);
}

void entities_begin_list(struct entities *entities, enum entity_source source)
{
	entities->list[source]++;
}

void entities_end_list(struct entities *entities, enum entity_source source, uint64_t now_ns)
{
	for (struct entity *entity = entities->table; entity; entity = entity->hh.next)
		if (entity->claims[source].list != entities->list[source])
			end_claim(entities, entity, source, now_ns);
}

void entities_confirm(struct entities *entities, enum entity_source source, uint64_t now_ns)
{
	entities->confirmed_ns[source] = now_ns;
}

const struct entity *entities_find(const struct entities *entities, enum entity_kind kind,
				   const char *id)
{
	struct entity_key key;

	return make_key(kind, id, &key) == 0 ? find(entities, &key) : NULL;
}

const struct entity *entities_find_address(const struct entities *entities,
					   enum connection_family family,
					   const uint8_t address[16])
{
	return address_index_find(&entities->addresses, family, address);
}

enum entity_kind entity_kind(const struct entity *entity)
{
	return entity->key.kind;
}

const char *entity_id(const struct entity *entity)
{
	return entity->key.id;
}

static void add_claims(struct tag_list *list, const struct entity *entity,
		       size_t left_out[ENTITY_N_SOURCES])
{
	for (int source = 0; source < ENTITY_N_SOURCES; source++) {
		size_t before = list->n_left_out;

		tag_set_add_new_keys(entity->claims[source].tags, list);
		left_out[source] += list->n_left_out - before;
	}
}

static const struct entity *pod_of(const struct entities *entities, const struct entity *entity)
{
	if (entity->key.kind != ENTITY_CONTAINER || !entity->pod_uid[0])
		return NULL;
	return entities_find(entities, ENTITY_POD, entity->pod_uid);
}

const struct tag_set *entities_tags(struct entities *entities, const struct entity *entity)
{
	struct entity *own = (struct entity *)(uintptr_t)entity;
	const struct tag_set *before = own->merged;
	size_t left_out[ENTITY_N_SOURCES] = {0};
	const struct entity *pod;

	if (own->merged_at == entities->changes)
		return own->merged;
	pod = pod_of(entities, entity);
	tag_list_clear(&entities->scratch);
	add_claims(&entities->scratch, entity, left_out);
	if (pod)
		add_claims(&entities->scratch, pod, left_out);
	own->merged = tag_sets_take(entities->sets, &entities->scratch);
	own->merged_at = entities->changes;
	for (int source = 0; source < ENTITY_N_SOURCES; source++)
		entities->stats[source].n_tags_left_out +=
			newly_lost(own->merged != before, left_out[source],
				   &own->claims[source].n_without_room);
	tag_set_release(before);
	return own->merged;
}

const struct tag_set *entity_tags_from(const struct entity *entity, enum entity_source source)
{
	return entity->claims[source].tags;
}

size_t entities_n_from(const struct entities *entities, enum entity_source source)
{
	return entities->n_from[source];
}

void entities_for_each(const struct entities *entities, entities_on_entity on_entity,
		       void *context)
{
	for (const struct entity *entity = entities->table; entity; entity = entity->hh.next)
		on_entity(entity, context);
}

/* Settings do not fall silent. */
static void age(struct entities *entities, struct entity *entity, enum entity_source source,
		uint64_t now_ns)
{
	const struct claim *claim = &entity->claims[source];
	uint64_t last_ns = claim->seen_ns;

	if (!claim->is_there)
		return;
	if (last_ns < entities->confirmed_ns[source])
		last_ns = entities->confirmed_ns[source];
	if (claim->gone_ns && now_ns - claim->gone_ns > entities->limits.keep_ns) {
		drop_claim(entities, entity, source);
	} else if (source != ENTITY_FROM_SETTINGS && !claim->gone_ns &&
		   now_ns - last_ns > entities->limits.max_age_ns) {
		drop_claim(entities, entity, source);
		entities->stats[source].n_aged++;
	}
}

void entities_tick(struct entities *entities, uint64_t now_ns)
{
	struct entity *entity, *next;

	HASH_ITER(hh, entities->table, entity, next) {
		for (int source = 0; source < ENTITY_N_SOURCES; source++)
			age(entities, entity, source, now_ns);
		if (!has_claims(entity))
			remove_entity(entities, entity);
	}
}

size_t entities_n(const struct entities *entities)
{
	return HASH_COUNT(entities->table);
}

const struct entities_stats *entities_get_stats(const struct entities *entities,
						enum entity_source source)
{
	return &entities->stats[source];
}

const char *entity_source_name(enum entity_source source)
{
	static const char *const names[ENTITY_N_SOURCES] = {
		[ENTITY_FROM_KUBELET] = "kubelet", [ENTITY_FROM_KUBE_API] = "kube_api",
		[ENTITY_FROM_KUBE_SERVICES] = "kube_services",
		[ENTITY_FROM_ECS] = "ecs",	   [ENTITY_FROM_DOCKER] = "docker",
		[ENTITY_FROM_PODMAN] = "podman",   [ENTITY_FROM_CRI] = "cri",
		[ENTITY_FROM_CLOUD] = "cloud",	   [ENTITY_FROM_SETTINGS] = "settings",
	};

	return names[source];
}

const char *entity_kind_name(enum entity_kind kind)
{
	static const char *const names[] = {[ENTITY_CONTAINER] = "container",
					    [ENTITY_POD] = "pod",
					    [ENTITY_HOST] = "host"};

	return names[kind];
}
