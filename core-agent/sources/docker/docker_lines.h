/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A stream of bytes cut into lines, with a maximum for one. Pure. */

#include <stdbool.h>
#include <stddef.h>

#define DOCKER_LINES_MAX_BYTES 65536

struct docker_lines {
	char *bytes; /* heap, NULL before the first */
	size_t size;
};

typedef void (*docker_on_line)(const char *line, size_t size, void *context);

/*
 * Each whole line, without its newline, goes to `on_line`; what is left waits for more. 0,
 * -EMSGSIZE (a line over the maximum), or -ENOMEM; then deinit.
 */
int docker_lines_add(struct docker_lines *lines, const char *bytes, size_t size,
		     docker_on_line on_line, void *context);

/* Forget what waits; zero is a valid beginning. */
void docker_lines_deinit(struct docker_lines *lines);
