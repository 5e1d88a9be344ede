/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A service that is a table: what is at which path. */

#include <string.h>

#include "sources/cloud/provider.h"

struct page {
	const char *path;
	const char *body;
};

static inline const char *exchange_fixture_body(const struct page *pages, const char *path)
{
	while (pages->path && strcmp(pages->path, path) != 0)
		pages++;
	return pages->body;
}

/*
 * Ask until all is asked; the number of requests, or what take() returned. What no page is
 * there for is not had, or, where it is needed, the empty answer.
 */
static inline int exchange_fixture_talk(struct cloud_exchange *exchange,
					const struct cloud_provider *provider, const char *flavor,
					const struct page *pages)
{
	struct cloud_request request;
	int n = 0, r = 0;

	while (r == 0 && provider->next(exchange, &request)) {
		const char *body = exchange_fixture_body(pages, request.path);
		struct cloud_answer answer = {.flavor = flavor};

		if (!body && !request.is_optional)
			body = "";
		answer.body = body;
		answer.size = body ? strlen(body) : 0;
		r = provider->take(exchange, &answer);
		n++;
	}
	return r < 0 ? r : n;
}

/* The value of the tag that its owner gave the instance, or NULL. */
static inline const char *exchange_fixture_tag(const struct cloud_exchange *exchange,
					       const char *key)
{
	const struct tag_list *list = &exchange->facts.own_tags;
	size_t size = strlen(key);

	for (size_t i = 0; i < list->n; i++) {
		const char *tag = tag_list_get(list, i);

		if (strncmp(tag, key, size) == 0 && tag[size] == ':')
			return tag + size + 1;
	}
	return NULL;
}
