/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Answers of Docker 20.10 and Podman 4.3, as they were recorded; seeds of the fuzzer too. */

#include <stdio.h>
#include <stdlib.h>

/* Heap, with a NUL behind it. */
static inline char *recorded(const char *name, size_t *ret_size)
{
	char path[512], *bytes = calloc(1, 65536);
	FILE *file;

	(void)snprintf(path, sizeof(path), RECORDED_DIR "/docker/%s", name);
	file = fopen(path, "re");
	assert_non_null(file);
	*ret_size = fread(bytes, 1, 65535, file);
	assert_true(*ret_size > 0);
	(void)fclose(file);
	return bytes;
}
