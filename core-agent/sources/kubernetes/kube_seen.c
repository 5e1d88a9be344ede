/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_seen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(object) ((object)->is_out_of_memory = true)
#include <uthash.h>

#define MAX_ENTITIES 64 /* of one object: its own names, and containers */

struct named {
	enum entity_kind kind;
	char id[ENTITY_ID_SIZE];
};

struct object {
	uint64_t hash;
	UT_hash_handle hh;
	uint32_t list;
	bool is_out_of_memory; /* could not be linked in */
	size_t n;
	struct named *entities;
};

struct kube_seen {
	struct object *table;
	struct object *last; /* the one not found last; NULL: not kept */
	size_t max_objects;
	uint64_t seed;
	uint32_t list; /* number of the one going on */
};

struct kube_seen *kube_seen_new(size_t max_objects)
{
	struct kube_seen *seen = calloc(1, sizeof(*seen));

	if (!seen)
		return NULL;
	seen->max_objects = max_objects;
	(void)getrandom(&seen->seed, sizeof(seen->seed), 0); /* failing, it can be guessed */
	return seen;
}

static void forget(struct kube_seen *seen, struct object *object)
{
	if (seen->last == object)
		seen->last = NULL;
	HASH_DEL(seen->table, object);
	free(object->entities);
	free(object);
}

void kube_seen_free(struct kube_seen *seen)
{
	struct object *object, *next;

	if (!seen)
		return;
	HASH_ITER(hh, seen->table, object, next)
		forget(seen, object);
	free(seen);
}

void kube_seen_begin_list(struct kube_seen *seen)
{
	seen->list++;
	seen->last = NULL;
}

void kube_seen_end_list(struct kube_seen *seen)
{
	struct object *object, *next;

	HASH_ITER(hh, seen->table, object, next)
		if (object->list != seen->list)
			forget(seen, object);
	seen->last = NULL;
}

/* NULL: no room or no memory. */
static struct object *add(struct kube_seen *seen, uint64_t hash)
{
	struct object *object = HASH_COUNT(seen->table) < seen->max_objects
					? calloc(1, sizeof(*object))
					: NULL;

	if (!object)
		return NULL;
	object->hash = hash;
	object->list = seen->list;
	HASH_ADD(hh, seen->table, hash, sizeof(object->hash), object);
	if (!object->is_out_of_memory)
		return object;
	free(object);
	return NULL;
}

static bool tell(const struct object *object, kube_seen_on_entity on_entity, void *context)
{
	for (size_t i = 0; i < object->n; i++)
		if (!on_entity(object->entities[i].kind, object->entities[i].id, context))
			return false;
	return object->n > 0;
}

bool kube_seen_find(struct kube_seen *seen, const char *bytes, size_t size,
		    kube_seen_on_entity on_entity, void *context)
{
	uint64_t hash = XXH3_64bits_withSeed(bytes, size, seen->seed);
	struct object *object;

	HASH_FIND(hh, seen->table, &hash, sizeof(hash), object);
	seen->last = NULL;
	if (object && tell(object, on_entity, context)) {
		object->list = seen->list;
		return true;
	}
	if (object)
		forget(seen, object);
	seen->last = add(seen, hash);
	return false;
}

void kube_seen_note(struct kube_seen *seen, enum entity_kind kind, const char *id)
{
	struct object *object = seen->last;
	size_t size = strlen(id) + 1;
	struct named *grown;

	if (!object)
		return;
	grown = object->n < MAX_ENTITIES && size <= ENTITY_ID_SIZE
			? reallocarray(object->entities, object->n + 1, sizeof(*grown))
			: NULL;
	if (!grown) { /* half known is not known */
		forget(seen, object);
		return;
	}
	grown[object->n].kind = kind;
	memcpy(grown[object->n].id, id, size);
	object->entities = grown;
	object->n++;
}
