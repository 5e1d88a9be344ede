/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set is one allocation: its head, where each tag begins, and the tags one after the
 * other, which are the key of the hash table too.
 */
#include "tag_sets.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(set) ((set)->is_out_of_memory = true)
#include <uthash.h>

#include "tag.h"
#include "tag_list.h"

struct tag_set {
	UT_hash_handle hh;
	struct tag_sets *sets;
	const char *values[TAG_N_KEYS]; /* within the set; NULL: none */
	size_t n_users;
	bool is_out_of_memory; /* could not be linked in */
	uint16_t n;
	uint16_t at[]; /* of each tag behind the last of these */
};

static const char *const keys[TAG_N_KEYS] = {
	[TAG_KEY_SERVICE] = "service", [TAG_KEY_ENV] = "env", [TAG_KEY_VERSION] = "version"};

struct tag_sets {
	struct tag_set *table;
};

struct tag_sets *tag_sets_new(void)
{
	return calloc(1, sizeof(struct tag_sets));
}

static void remove_set(struct tag_set *set)
{
	HASH_DEL(set->sets->table, set);
	free(set);
}

void tag_sets_free(struct tag_sets *sets)
{
	struct tag_set *set, *next;

	if (!sets)
		return;
	HASH_ITER(hh, sets->table, set, next)
		remove_set(set);
	free(sets);
}

static char *bytes_of(const struct tag_set *set)
{
	return (char *)(uintptr_t)(set->at + set->n);
}

static void copy_tags(struct tag_set *set, const struct tag_list *list)
{
	char *bytes = bytes_of(set);
	size_t n_bytes = 0;

	for (size_t i = 0; i < list->n; i++) {
		const char *tag = tag_list_get(list, i);
		size_t size = strlen(tag) + 1;

		memcpy(bytes + n_bytes, tag, size);
		set->at[i] = (uint16_t)n_bytes;
		n_bytes += size;
	}
}

static struct tag_set *new_set(struct tag_sets *sets, const struct tag_list *list)
{
	struct tag_set *set =
		calloc(1, sizeof(*set) + list->n * sizeof(*set->at) + list->n_bytes);

	if (!set)
		return NULL;
	set->sets = sets;
	set->n = (uint16_t)list->n;
	copy_tags(set, list);
	for (int key = 0; key < TAG_N_KEYS; key++)
		set->values[key] = tag_set_find(set, keys[key]);
	return set;
}

/* The one that is there already takes the place of a new one. */
static struct tag_set *add_set(struct tag_sets *sets, struct tag_set *set, size_t n_bytes)
{
	struct tag_set *known;

	HASH_FIND(hh, sets->table, bytes_of(set), n_bytes, known);
	if (known) {
		free(set);
		return known;
	}
	HASH_ADD_KEYPTR(hh, sets->table, bytes_of(set), n_bytes, set);
	if (!set->is_out_of_memory)
		return set;
	free(set);
	return NULL;
}

const struct tag_set *tag_sets_take(struct tag_sets *sets, struct tag_list *list)
{
	struct tag_set *set;

	if (list->n == 0)
		return NULL;
	tag_list_sort(list);
	set = new_set(sets, list);
	if (set)
		set = add_set(sets, set, list->n_bytes);
	if (set)
		set->n_users++;
	return set;
}

const struct tag_set *tag_set_hold(const struct tag_set *set)
{
	if (set)
		((struct tag_set *)(uintptr_t)set)->n_users++;
	return set;
}

void tag_set_release(const struct tag_set *set)
{
	struct tag_set *own = (struct tag_set *)(uintptr_t)set;

	if (own && --own->n_users == 0)
		remove_set(own);
}

size_t tag_sets_n(const struct tag_sets *sets)
{
	return HASH_COUNT(sets->table);
}

size_t tag_set_n(const struct tag_set *set)
{
	return set ? set->n : 0;
}

const char *tag_set_get(const struct tag_set *set, size_t i)
{
	return bytes_of(set) + set->at[i];
}

const char *tag_set_find(const struct tag_set *set, const char *key)
{
	size_t size = strlen(key);

	for (size_t i = 0; i < tag_set_n(set); i++) {
		const char *tag = tag_set_get(set, i);

		if (strncmp(tag, key, size) == 0 && tag[size] == ':')
			return tag + size + 1;
	}
	return NULL;
}

/* tag_format() has put the colon there. */
static void split(const char *tag, char ret_key[TAG_SIZE], const char **ret_value)
{
	const char *colon = strchr(tag, ':');

	memcpy(ret_key, tag, (size_t)(colon - tag));
	ret_key[colon - tag] = '\0';
	*ret_value = colon + 1;
}

static bool has_key(const struct tag_list *list, size_t n, const char *key)
{
	size_t size = strlen(key);

	for (size_t i = 0; i < n; i++) {
		const char *tag = tag_list_get(list, i);

		if (strncmp(tag, key, size) == 0 && tag[size] == ':')
			return true;
	}
	return false;
}

void tag_set_add_new_keys(const struct tag_set *set, struct tag_list *list)
{
	char key[TAG_SIZE];
	const char *value;
	size_t n_before = list->n;

	for (size_t i = 0; i < tag_set_n(set); i++) {
		split(tag_set_get(set, i), key, &value);
		if (!has_key(list, n_before, key))
			tag_list_add(list, key, value);
	}
}

const char *tag_set_value(const struct tag_set *set, enum tag_key key)
{
	return set ? set->values[key] : NULL;
}

bool tag_sets_has_key(const struct tag_sets *sets, const char *key)
{
	for (const struct tag_set *set = sets->table; set; set = set->hh.next)
		if (tag_set_find(set, key))
			return true;
	return false;
}
