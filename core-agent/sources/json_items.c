/* SPDX-License-Identifier: Apache-2.0 */
#include "json_items.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 4096
#define MAX_DEPTH 512

static const char items_key[] = "items";

struct text {
	char *bytes; /* NUL-terminated once there is one */
	size_t size, capacity, max;
};

struct json_items {
	enum json_items_form form;
	json_items_on_item on_item;
	void *context;

	struct text item, rest;
	unsigned depth;	     /* of open braces and brackets */
	unsigned item_depth; /* at which the item began; 0: in none */
	bool is_in_string, is_escaped;
	bool is_in_items;  /* inside the array of the list */
	bool is_key_items; /* the last string at depth 1 was "items" */
	bool is_done;	   /* the list has ended */
	size_t string_at;  /* in `rest`, where the string began */
};

struct json_items *json_items_new(enum json_items_form form, size_t max_item_bytes,
				  json_items_on_item on_item, void *context)
{
	struct json_items *items = calloc(1, sizeof(*items));

	if (!items)
		return NULL;
	items->form = form;
	items->on_item = on_item;
	items->context = context;
	items->item.max = max_item_bytes;
	items->rest.max = JSON_ITEMS_MAX_REST_BYTES;
	return items;
}

void json_items_free(struct json_items *items)
{
	if (!items)
		return;
	free(items->item.bytes);
	free(items->rest.bytes);
	free(items);
}

void json_items_reset(struct json_items *items)
{
	items->item.size = items->rest.size = 0;
	items->depth = items->item_depth = 0;
	items->is_in_string = items->is_escaped = false;
	items->is_in_items = items->is_key_items = items->is_done = false;
}

static int grow(struct text *text)
{
	size_t capacity = text->capacity ? text->capacity * 2 : FIRST_CAPACITY;
	char *grown = realloc(text->bytes, capacity);

	if (!grown)
		return -ENOMEM;
	text->bytes = grown;
	text->capacity = capacity;
	return 0;
}

static int put(struct text *text, const char *bytes, size_t n)
{
	if (n > text->max - text->size)
		return -EFBIG;
	while (text->size + n >= text->capacity)
		if (grow(text) < 0)
			return -ENOMEM;
	memcpy(text->bytes + text->size, bytes, n);
	text->size += n;
	text->bytes[text->size] = '\0';
	return 0;
}

/* Where this byte belongs: to an item, or to the rest. */
static int keep(struct json_items *items, char c)
{
	if (items->item_depth)
		return put(&items->item, &c, 1);
	return items->form != JSON_ITEMS_STREAM ? put(&items->rest, &c, 1) : 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool begins_item(const struct json_items *items)
{
	switch (items->form) {
	case JSON_ITEMS_STREAM:
		return items->depth == 0;
	case JSON_ITEMS_ARRAY:
		return items->depth == 1;
	default:
		return items->is_in_items && items->depth == 2;
	}
}

/* Between the items of a list there are commas; around objects nothing but white space. */
static int skip_between(const struct json_items *items, char c)
{
	return is_space(c) || (c == ',' && items->depth > 0) ? 0 : -EBADMSG;
}

static int open_level(struct json_items *items, char c)
{
	char first = items->form == JSON_ITEMS_ARRAY ? '[' : '{';
	bool is_item = c == '{' && begins_item(items);

	if (items->depth == MAX_DEPTH || (items->depth == 0 && c != first))
		return -EBADMSG;
	if (is_item) {
		items->item.size = 0;
		items->item_depth = items->depth + 1;
	} else if (begins_item(items) && items->depth > 0) {
		return -EBADMSG;
	}
	if (items->depth == 1 && c == '[' && items->is_key_items)
		items->is_in_items = true;
	items->depth++;
	return keep(items, c);
}

static int end_item(struct json_items *items)
{
	items->item_depth = 0;
	return items->on_item(items->item.bytes, items->item.size, items->context);
}

static int close_level(struct json_items *items, char c)
{
	int r;

	if (items->depth == 0)
		return -EBADMSG;
	r = keep(items, c);
	items->depth--;
	if (r == 0 && items->item_depth == items->depth + 1)
		return end_item(items);
	if (items->depth == 1)
		items->is_in_items = false;
	if (items->depth == 0)
		items->is_done = true;
	return r;
}

static bool is_items_key(const struct json_items *items)
{
	const struct text *rest = &items->rest;
	size_t size = rest->size - items->string_at;

	return size == sizeof(items_key) - 1 &&
	       memcmp(rest->bytes + items->string_at, items_key, size) == 0;
}

static int take_in_string(struct json_items *items, char c)
{
	if (items->is_escaped) {
		items->is_escaped = false;
	} else if (c == '\\') {
		items->is_escaped = true;
	} else if (c == '"') {
		items->is_in_string = false;
		if (!items->item_depth && items->depth == 1)
			items->is_key_items = is_items_key(items);
	}
	return keep(items, c);
}

static int take(struct json_items *items, char c)
{
	int r;

	if (items->is_in_string)
		return take_in_string(items, c);
	if (items->is_done)
		return is_space(c) ? 0 : -EBADMSG;
	switch (c) {
	case '{':
	case '[':
		return open_level(items, c);
	case '}':
	case ']':
		return close_level(items, c);
	default:
		break;
	}
	if (items->depth == 0 || (!items->item_depth && begins_item(items)))
		return skip_between(items, c);
	r = keep(items, c);
	items->is_in_string = c == '"';
	items->string_at = items->rest.size;
	return r;
}

/* How many of the next bytes belong to an item and change nothing but its length. */
static size_t plain_run(const struct json_items *items, const char *bytes, size_t size)
{
	const char *stops = items->is_in_string ? "\"\\" : "{}[]\"";
	size_t n = 0;

	if (!items->item_depth || items->is_escaped)
		return 0;
	while (n < size && bytes[n] && !strchr(stops, bytes[n]))
		n++;
	return n;
}

int json_items_feed(struct json_items *items, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size;) {
		size_t n = plain_run(items, bytes + i, size - i);
		int r = n ? put(&items->item, bytes + i, n) : take(items, bytes[i]);

		if (r != 0)
			return r;
		i += n ? n : 1;
	}
	return 0;
}

const char *json_items_rest(const struct json_items *items, size_t *ret_size)
{
	if (items->form == JSON_ITEMS_STREAM || !items->is_done)
		return NULL;
	*ret_size = items->rest.size;
	return items->rest.bytes;
}
