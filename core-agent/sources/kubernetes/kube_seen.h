/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Objects of the last list, by a hash of their bytes, with the entities that each one names:
 * of one that comes again unchanged nothing needs to be parsed. Pure but for the seed of the
 * hash, which is random, so that nobody can make two objects that are taken for one.
 */

#include <stdbool.h>
#include <stddef.h>

#include "tags/entities.h"

struct kube_seen;

/* Beyond `max_objects` they are parsed each time. NULL: out of memory. */
struct kube_seen *kube_seen_new(size_t max_objects);
void kube_seen_free(struct kube_seen *seen); /* takes NULL */

/* A list begins; it ends, whole: what was not in it is forgotten. */
void kube_seen_begin_list(struct kube_seen *seen);
void kube_seen_end_list(struct kube_seen *seen);

typedef bool (*kube_seen_on_entity)(enum entity_kind kind, const char *id, void *context);

/*
 * Was this object in the last list? Then each of its entities is told of. False: it was not, or
 * `on_entity` said so of one; then its entities are to be noted anew.
 */
bool kube_seen_find(struct kube_seen *seen, const char *bytes, size_t size,
		    kube_seen_on_entity on_entity, void *context);

/* The object that was not found last names this entity. */
void kube_seen_note(struct kube_seen *seen, enum entity_kind kind, const char *id);
