/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An answer that is a list, made piece by piece as the client takes it. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "recent/filter.h"

#define LIST_DEFAULT_LIMIT 1000
#define LIST_MAX_LIMIT 1000000

struct api;
struct response;

/* What all routes that give lists understand. */
struct list_query {
	size_t limit;
	bool is_lines; /* JSON lines: the items alone */
	struct filter filter;
};

struct list {
	const char *name; /* of the array, static */
	size_t n;
	json_t *(*item)(size_t i, void *context); /* a new reference; NULL: out of memory */
	void (*free)(void *context);
	void *context;
};

/*
 * The parameters that are about the list and not about connections. 0, -ENOENT (not one of
 * them), or -EINVAL (a bad value; `response` says so).
 */
int list_set_form(struct list_query *query, const char *name, const char *value,
		  struct response *response);

/* Those and the filter of connections. False: no such parameter, or a bad value; `response` says so. */
bool list_set_parameter(struct list_query *query, const char *name, const char *value,
			struct response *response);

/*
 * Answer with `head` (taken over), whose members go before the array, and the items.
 * `list` is copied; its context is freed when the answer has ended, or at once when
 * there can be none (out of memory, or too many lists at once).
 */
void list_answer(struct api *api, const struct list *list, const struct list_query *query,
		 json_t *head, struct response *response);
