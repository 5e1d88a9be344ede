/* SPDX-License-Identifier: Apache-2.0 */
#include "list.h"

#include "api_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* Each holds its records while a client reads. */
#define MAX_LISTS 8

struct list_source {
	struct response_source source; /* first: the server's view of it */
	struct list list;
	size_t next;
	bool is_lines;
	bool has_begun;
	char *head; /* "{...": without the closing brace */
	unsigned int *n_active;
};

static int set_format(struct list_query *query, const char *value, struct response *response)
{
	query->is_lines = strcmp(value, "jsonl") == 0;
	if (query->is_lines || strcmp(value, "json") == 0)
		return 0;
	answer_error(response, 400, "format is json or jsonl");
	return -EINVAL;
}

static int set_limit(struct list_query *query, const char *value, struct response *response)
{
	query->limit = 0;
	for (const char *c = value; *c >= '0' && *c <= '9' && query->limit <= LIST_MAX_LIMIT; c++)
		query->limit = query->limit * 10 + (size_t)(*c - '0');
	if (query->limit >= 1 && query->limit <= LIST_MAX_LIMIT &&
	    !value[strspn(value, "0123456789")])
		return 0;
	answer_error(response, 400, "limit is a number from 1 to %d", LIST_MAX_LIMIT);
	return -EINVAL;
}

int list_set_form(struct list_query *query, const char *name, const char *value,
		  struct response *response)
{
	if (strcmp(name, "format") == 0)
		return set_format(query, value, response);
	if (strcmp(name, "limit") == 0)
		return set_limit(query, value, response);
	return -ENOENT;
}

bool list_set_parameter(struct list_query *query, const char *name, const char *value,
			struct response *response)
{
	int r = list_set_form(query, name, value, response);
	const char *allowed = "";

	if (r != -ENOENT)
		return r == 0;
	r = filter_set(&query->filter, name, value, &allowed);
	if (r == -ENOENT)
		answer_error(response, 400, "no parameter is called %s here", name);
	else if (r < 0)
		answer_error(response, 400, "%s is %s", name, allowed);
	return r == 0;
}

static int write_head(struct list_source *source, struct evbuffer *out)
{
	if (source->has_begun || source->is_lines)
		return 0;
	source->has_begun = true;
	return evbuffer_add_printf(out, "%s%s\"%s\":[", source->head,
				   source->head[1] ? "," : "", source->list.name) < 0
		       ? -ENOMEM
		       : 0;
}

static int write_item(struct list_source *source, struct evbuffer *out)
{
	json_t *item = source->list.item(source->next, source->list.context);
	CLEANUP_FREE char *text = item ? json_dumps(item, JSON_COMPACT) : NULL;
	const char *before = source->next > 0 && !source->is_lines ? "," : "";

	json_decref(item);
	source->next++;
	if (!text)
		return -ENOMEM;
	return evbuffer_add_printf(out, "%s%s%s", before, text, source->is_lines ? "\n" : "") < 0
		       ? -ENOMEM
		       : 0;
}

static int list_next(struct response_source *base, struct evbuffer *out)
{
	struct list_source *source = (struct list_source *)base;
	int r = write_head(source, out);

	while (r == 0 && source->next < source->list.n &&
	       evbuffer_get_length(out) < RESPONSE_CHUNK_BYTES)
		r = write_item(source, out);
	if (r < 0 || source->next < source->list.n)
		return r < 0 ? r : 1;
	return source->is_lines || evbuffer_add(out, "]}\n", 3) == 0 ? 0 : -ENOMEM;
}

static void list_free(struct response_source *base)
{
	struct list_source *source = (struct list_source *)base;

	source->list.free(source->list.context);
	(*source->n_active)--;
	free(source->head);
	free(source);
}

static struct list_source *make(struct api *api, const struct list *list, const json_t *head)
{
	struct list_source *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->head = head ? json_dumps(head, JSON_COMPACT) : NULL;
	if (!source->head) {
		free(source);
		return NULL;
	}
	source->head[strlen(source->head) - 1] = '\0';
	source->list = *list;
	source->n_active = &api->n_lists;
	source->source.next = list_next;
	source->source.free = list_free;
	return source;
}

void list_answer(struct api *api, const struct list *list, const struct list_query *query,
		 json_t *head, struct response *response)
{
	struct list_source *source = api->n_lists < MAX_LISTS ? make(api, list, head) : NULL;
	bool is_full = api->n_lists >= MAX_LISTS;

	json_decref(head);
	if (!source) {
		list->free(list->context);
		answer_error(response, is_full ? 503 : 500, "%s",
			     is_full ? "too many lists are being read" : "out of memory");
		return;
	}
	source->is_lines = query->is_lines;
	api->n_lists++;
	response->source = &source->source;
	response->content_type = query->is_lines ? "application/x-ndjson" : "application/json";
}
