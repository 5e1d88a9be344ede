/* SPDX-License-Identifier: Apache-2.0 */
#include "docker_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int keep(struct docker_lines *lines, const char *bytes, size_t size)
{
	if (size > DOCKER_LINES_MAX_BYTES - lines->size)
		return -EMSGSIZE;
	if (!lines->bytes)
		lines->bytes = malloc(DOCKER_LINES_MAX_BYTES);
	if (!lines->bytes)
		return -ENOMEM;
	memcpy(lines->bytes + lines->size, bytes, size);
	lines->size += size;
	return 0;
}

int docker_lines_add(struct docker_lines *lines, const char *bytes, size_t size,
		     docker_on_line on_line, void *context)
{
	while (size > 0) {
		const char *end = memchr(bytes, '\n', size);
		size_t n = end ? (size_t)(end - bytes) : size;
		int r = keep(lines, bytes, n);

		if (r < 0 || !end)
			return r;
		on_line(lines->bytes, lines->size, context);
		lines->size = 0;
		bytes += n + 1;
		size -= n + 1;
	}
	return 0;
}

void docker_lines_deinit(struct docker_lines *lines)
{
	free(lines->bytes);
	*lines = (struct docker_lines){0};
}
