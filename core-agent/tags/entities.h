/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the sources know of containers, pods, tasks and of this host: for each entity the
 * tags that each source gave, and one merged set of them. Pure.
 *
 * A key belongs to the first source, in the order of enum entity_source, that gives it. A
 * container has the tags of its pod too, where neither says the same key.
 *
 * A source that asks users for the names of their containers says who told it. Ids stand
 * where all may read them, so what a user says of an entity holds only while nobody else,
 * be it root by the same source, has said anything of it.
 *
 * What a source no longer lists is kept `keep_ns`, for records that come late; what a source
 * lists, and then stops answering, is kept `max_age_ns` from its last word.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "connection.h"

struct entities;
struct tag_list;
struct tag_set;
struct tag_sets;

enum entity_kind {
	ENTITY_CONTAINER, /* id: as in connection_owner.container_id */
	ENTITY_POD,	  /* id: as in connection_owner.pod_uid */
	ENTITY_HOST,	  /* id: "" */
};

/* The better one first. */
enum entity_source {
	ENTITY_FROM_KUBELET,
	ENTITY_FROM_KUBE_API,
	ENTITY_FROM_KUBE_SERVICES, /* of the same server */
	ENTITY_FROM_ECS,
	ENTITY_FROM_DOCKER,
	ENTITY_FROM_PODMAN,
	ENTITY_FROM_CRI,
	ENTITY_FROM_CLOUD,
	ENTITY_FROM_SETTINGS,
	ENTITY_N_SOURCES,
};

#define ENTITY_ID_SIZE 80
#define ENTITY_MAX_ADDRESSES 8

/* Only addresses that no other entity shares: not those of a host's own network. */
struct entity_address {
	enum connection_family family;
	uint8_t address[16]; /* network order; IPv4 in the first four bytes */
};

struct entity_report {
	enum entity_kind kind;
	const char *id;		/* longer than ENTITY_ID_SIZE - 1 is refused */
	struct tag_list *tags;	/* is sorted */
	const char *pod_uid;	/* of a container; NULL: none or unknown */
	const struct entity_address *addresses;
	size_t n_addresses; /* beyond ENTITY_MAX_ADDRESSES they are left out, and counted */
	uid_t told_by;	    /* 0: root, or the source itself */
};

struct entities_limits {
	size_t max_entities; /* of each source */
	uint64_t keep_ns;
	uint64_t max_age_ns;
};

/*
 * What was lost of one source's words. A tag is counted when its source says something new of
 * an entity, or when what the others say leaves it no room: not each time that the same is said.
 */
struct entities_stats {
	uint64_t n_entities_left_out;	/* reports refused: max_entities, or no memory */
	uint64_t n_users_refused;	/* reports of a user about what somebody else has told of */
	uint64_t n_tags_left_out;	/* by cardinality, alone or beside better sources' */
	uint64_t n_tags_cut;		/* see tag.h */
	uint64_t n_addresses_left_out;
	uint64_t n_aged;		/* claims dropped as the source was silent for max_age_ns */
};

/* `sets` must outlive it. NULL: out of memory. */
struct entities *entities_new(struct tag_sets *sets, const struct entities_limits *limits);
void entities_free(struct entities *entities);

/*
 * Replaces what `source` said of this entity before. `now_ns` is CLOCK_MONOTONIC here and
 * below. 0, -EINVAL (id empty, where the kind needs one, or too long), -EPERM (a user has no
 * say in it; counted), -ENOSPC (max_entities; counted), -ENOMEM (counted).
 */
int entities_set(struct entities *entities, enum entity_source source,
		 const struct entity_report *report, uint64_t now_ns);

/* `source` says that it is gone. Unknown ones are none of its business. */
void entities_remove(struct entities *entities, enum entity_source source, enum entity_kind kind,
		     const char *id, uint64_t now_ns);

/* The same by a user: no more than what he told himself is gone. */
void entities_remove_told_by(struct entities *entities, enum entity_source source, uid_t told_by,
			     enum entity_kind kind, const char *id, uint64_t now_ns);

/*
 * A full list: what `source` did not set between the two is gone. A list that fails half-way
 * has no end.
 */
void entities_begin_list(struct entities *entities, enum entity_source source);
void entities_end_list(struct entities *entities, enum entity_source source, uint64_t now_ns);

/* `source` has said the same of it again. False: it does not list it, so that nothing is kept. */
bool entities_keep(struct entities *entities, enum entity_source source, enum entity_kind kind,
		   const char *id, uint64_t now_ns);

/* `source` has spoken, and all that it lists is still as it said. */
void entities_confirm(struct entities *entities, enum entity_source source, uint64_t now_ns);

/* An entity that is known, valid until the next change or tick; NULL: unknown. */
struct entity;
const struct entity *entities_find(const struct entities *entities, enum entity_kind kind,
				   const char *id);
const struct entity *entities_find_address(const struct entities *entities,
					   enum connection_family family,
					   const uint8_t address[16]);
enum entity_kind entity_kind(const struct entity *entity);
const char *entity_id(const struct entity *entity);

/* Its merged set, valid as long; NULL: no tags. Made once after each change. */
const struct tag_set *entities_tags(struct entities *entities, const struct entity *entity);

/* Of one source alone, NULL: nothing said. */
const struct tag_set *entity_tags_from(const struct entity *entity, enum entity_source source);

/* How many this source lists now. */
size_t entities_n_from(const struct entities *entities, enum entity_source source);

typedef void (*entities_on_entity)(const struct entity *entity, void *context);
void entities_for_each(const struct entities *entities, entities_on_entity on_entity,
		       void *context);

/* Forget what is over. */
void entities_tick(struct entities *entities, uint64_t now_ns);

size_t entities_n(const struct entities *entities);

const struct entities_stats *entities_get_stats(const struct entities *entities,
						enum entity_source source);

/* "kubelet", "docker" ... */
const char *entity_source_name(enum entity_source source);
/* "container", "pod", "host" */
const char *entity_kind_name(enum entity_kind kind);
