/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sources/docker/docker_lines.h"

static char text[256];

static void on_line(const char *line, size_t size, void *context)
{
	(void)context;
	strncat(text, line, size);
	strcat(text, "|");
}

static void count(const char *line, size_t size, void *context)
{
	(void)line;
	*(size_t *)context += size;
}

static void line_is_whole_however_it_is_cut(void **state)
{
	struct docker_lines lines = {0};
	static const char bytes[] = "one\n\ntwo\nrest";

	(void)state;
	for (size_t n = 1; n < sizeof(bytes); n++) {
		text[0] = '\0';
		for (size_t at = 0; at < sizeof(bytes) - 1; at += n) {
			size_t left = sizeof(bytes) - 1 - at;

			assert_int_equal(docker_lines_add(&lines, bytes + at, left < n ? left : n,
							  on_line, NULL), 0);
		}
		assert_string_equal(text, "one||two|");
		docker_lines_deinit(&lines);
	}
}

static void line_over_the_maximum_is_refused(void **state)
{
	char *bytes = calloc(1, DOCKER_LINES_MAX_BYTES + 2);
	struct docker_lines lines = {0};
	size_t n = 0;

	(void)state;
	memset(bytes, 'x', DOCKER_LINES_MAX_BYTES);
	bytes[DOCKER_LINES_MAX_BYTES] = '\n';
	assert_int_equal(docker_lines_add(&lines, bytes, DOCKER_LINES_MAX_BYTES + 1, count, &n), 0);
	assert_int_equal(n, DOCKER_LINES_MAX_BYTES);
	bytes[DOCKER_LINES_MAX_BYTES] = 'x';
	assert_int_equal(docker_lines_add(&lines, bytes, DOCKER_LINES_MAX_BYTES + 1, count, &n),
			 -EMSGSIZE);
	docker_lines_deinit(&lines);
	free(bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_is_whole_however_it_is_cut),
		cmocka_unit_test(line_over_the_maximum_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
