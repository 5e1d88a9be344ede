/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tags being gathered for one entity, in the caller's storage: clean, each once, in any
 * order. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#define TAG_LIST_MAX_TAGS 128
#define TAG_LIST_MAX_BYTES 8192

struct tag_list {
	size_t n;
	size_t n_left_out; /* found no room */
	size_t n_cut;	   /* are there, but not whole: see tag.h */
	size_t n_bytes;
	uint16_t at[TAG_LIST_MAX_TAGS]; /* of each tag in `bytes` */
	char bytes[TAG_LIST_MAX_BYTES]; /* each NUL-terminated */
};

void tag_list_clear(struct tag_list *list);

/*
 * NULL and empty values, and what tag_format() leaves nothing of, add nothing; nor does a
 * tag that is there. Without room it is counted in n_left_out, and one that had to be cut
 * in n_cut.
 */
void tag_list_add(struct tag_list *list, const char *key, const char *value);

/* "key:value", valid until the list changes. */
const char *tag_list_get(const struct tag_list *list, size_t i);

/* In the order of strcmp(): equal lists are then equal byte by byte. */
void tag_list_sort(struct tag_list *list);
