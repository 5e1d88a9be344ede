/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The objects of a long JSON text, one at a time as its bytes come, so that a list of any
 * length takes the memory of its longest item. What an item holds is not looked at here.
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>

enum json_items_form {
	JSON_ITEMS_LIST,   /* {"metadata": ..., "items": [{...}, {...}]}: a Kubernetes list */
	JSON_ITEMS_ARRAY,  /* [{...}, {...}]: a list of Docker's */
	JSON_ITEMS_STREAM, /* {...}{...}, white space between them or not: a watch */
};

/* Of an object of Kubernetes: etcd refuses larger ones. */
#define JSON_ITEMS_MAX_ITEM_BYTES ((size_t)2 * 1024 * 1024)
#define JSON_ITEMS_MAX_REST_BYTES ((size_t)64 * 1024)

struct json_items;

/* Not 0: give up; json_items_feed() returns it. `bytes` are NUL-terminated. */
typedef int (*json_items_on_item)(const char *bytes, size_t size, void *context);

/* NULL: out of memory. */
struct json_items *json_items_new(enum json_items_form form, size_t max_item_bytes,
				  json_items_on_item on_item, void *context);
void json_items_free(struct json_items *items); /* takes NULL */

/* From the start again. */
void json_items_reset(struct json_items *items);

/*
 * 0, -EBADMSG (no JSON, or not of this form), -EFBIG (an item or the rest is too large),
 * -ENOMEM, or what on_item returned. After an error only reset or free.
 */
int json_items_feed(struct json_items *items, const char *bytes, size_t size);

/*
 * A list or array without its items, "items" being empty, once all of it is there; NULL
 * before that, and for a stream. It is as long as json_items_feed() was given balanced braces: whether
 * it is JSON, only a parser tells.
 */
const char *json_items_rest(const struct json_items *items, size_t *ret_size);
