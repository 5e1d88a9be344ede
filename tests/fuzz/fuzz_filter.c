/* SPDX-License-Identifier: Apache-2.0 */
#include "recent/filter.h"
#include "server/request.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* A query as the routes read it, and the filter that it makes put to work. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct recent_record record = {
		.family = CONNECTION_IPV6,
		.state = CONNECTION_FAILED,
		.texts = {[RECENT_COMM] = "nginx", [RECENT_SERVICE] = "nginx"}};
	struct request_span rest = {(const char *)data, size};
	struct filter filter = {0};
	char name[64], value[1024];

	while (request_next_parameter(&rest, name, sizeof(name), value, sizeof(value)) > 0) {
		const char *allowed = NULL;
		int r = filter_set(&filter, name, value, &allowed);

		require(r == 0 || r == -ENOENT || (r == -EINVAL && allowed));
	}
	require(filter.local.n_bits <= (filter.local.family == CONNECTION_IPV4 ? 32 : 128));
	require(filter.remote.n_bits <= (filter.remote.family == CONNECTION_IPV4 ? 32 : 128));
	require(memchr(filter.search, '\0', sizeof(filter.search)) != NULL);
	(void)filter_matches(&filter, &record);
	return 0;
}
