/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sets of tags, each kept once however many entities and records have it: equal sets have
 * equal addresses. A set never changes; it lives as long as it has users. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tag_list;
struct tag_set;
struct tag_sets;

/* Keys that each connection is asked for: found without a search. */
enum tag_key { TAG_KEY_SERVICE, TAG_KEY_ENV, TAG_KEY_VERSION, TAG_N_KEYS };

/* NULL: out of memory. */
struct tag_sets *tag_sets_new(void);
void tag_sets_free(struct tag_sets *sets); /* after the last user */

/* One more user of the set with these tags; sorts `list`. NULL: empty, or out of memory. */
const struct tag_set *tag_sets_take(struct tag_sets *sets, struct tag_list *list);

size_t tag_sets_n(const struct tag_sets *sets);

/* Has any of them a tag of this key? */
bool tag_sets_has_key(const struct tag_sets *sets, const char *key);

/* One more user of a set that somebody has; takes and returns NULL too. */
const struct tag_set *tag_set_hold(const struct tag_set *set);

/* One user less. Takes NULL. */
void tag_set_release(const struct tag_set *set);

/* NULL is the empty set for all of these. Tags are in the order of strcmp(). */
size_t tag_set_n(const struct tag_set *set);

/* "key:value" */
const char *tag_set_get(const struct tag_set *set, size_t i);

/* Value of the first tag of this key, or NULL. */
const char *tag_set_find(const struct tag_set *set, const char *key);

/* To `list` those tags whose key it has not had before. */
void tag_set_add_new_keys(const struct tag_set *set, struct tag_list *list);

/* The same as tag_set_find() for one of the enum. */
const char *tag_set_value(const struct tag_set *set, enum tag_key key);
