/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The request table: what may be asked, and who answers. */

#include <stdint.h>

struct evbuffer;
struct probe;
struct batch_source;

struct route {
	const char *path;
	const char *content_type;
	/* One of the two. `from` is the query's number, 1 when absent. */
	struct batch_source *(*stream)(struct probe *probe, uint64_t from);
	int (*answer)(struct probe *probe, struct evbuffer *out); /* 0 or -ENOMEM */
};

/* NULL: no such path. */
const struct route *route_find(const char *path);

/*
 * `from` of a query string such as "from=42": 0 and the number, 1 when the query
 * is NULL or empty; -EINVAL for anything else.
 */
int route_parse_query(const char *query, uint64_t *ret_from);
