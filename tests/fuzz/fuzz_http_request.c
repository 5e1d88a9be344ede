/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_span(const struct request_span *span, const char *bytes, size_t size)
{
	require(!span->bytes || (span->bytes >= bytes && span->bytes + span->size <= bytes + size));
}

static void walk_query(struct request_span rest)
{
	size_t left = rest.size + 1;
	char name[16], value[32];

	while (request_next_parameter(&rest, name, sizeof(name), value, sizeof(value)) > 0) {
		require(rest.size < left); /* it comes to an end */
		left = rest.size;
		require(strlen(name) < sizeof(name) && strlen(value) < sizeof(value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct request request;
	int r = request_parse(bytes, size, &request);

	require(r == 0 || r == 1 || (r <= -400 && r >= -505));
	walk_query((struct request_span){bytes, size});
	if (r != 0)
		return 0;
	require(request.path[0] == '/' && strlen(request.path) < REQUEST_MAX_PATH_BYTES);
	require(request.head_size <= size && request.head_size <= REQUEST_MAX_HEAD_BYTES);
	require(request.body_size <= REQUEST_MAX_BODY_BYTES);
	check_span(&request.query, bytes, request.head_size);
	check_span(&request.authorization, bytes, request.head_size);
	walk_query(request.query);
	return 0;
}
