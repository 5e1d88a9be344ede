/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch_source.h"
#include "status.h"

static struct batch_source *connections(struct probe *probe, uint64_t from)
{
	(void)from; /* a snapshot has no numbers */
	return snapshot_source_new(probe);
}

static const struct route routes[] = {
	{ .path = "/v1/connections", .content_type = "application/x-protobuf", .stream = connections },
	{ .path = "/v1/closed", .content_type = "application/x-protobuf",
	  .stream = closed_source_new },
	{ .path = "/v1/processes", .content_type = "application/x-protobuf",
	  .stream = process_source_new },
	{ .path = "/v1/status", .content_type = "application/json", .answer = status_write_json },
	{ .path = "/metrics", .content_type = "text/plain; version=0.0.4",
	  .answer = status_write_prometheus },
};

const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

int route_parse_query(const char *query, uint64_t *ret_from)
{
	unsigned long long value;
	char *end;

	if (!query || query[0] == '\0') {
		*ret_from = 1;
		return 0;
	}
	if (strncmp(query, "from=", 5) != 0 || !isdigit((unsigned char)query[5]))
		return -EINVAL;
	errno = 0;
	value = strtoull(query + 5, &end, 10);
	if (errno || *end != '\0')
		return -EINVAL;
	*ret_from = value;
	return 0;
}
