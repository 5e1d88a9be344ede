/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OUT_SIZE 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_command_line(const char *bytes, size_t size)
{
	char text[OUT_SIZE];
	size_t n = procfs_join_command_line(bytes, size, text, sizeof(text));
	char *in_place = malloc(size + 1);

	require(n < sizeof(text) && strlen(text) == n);
	if (!in_place)
		return;
	if (size)
		memcpy(in_place, bytes, size);
	require(procfs_join_command_line(in_place, size, in_place, size + 1) >= n);
	require(strncmp(in_place, text, n) == 0);
	free(in_place);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct procfs_stat stat;
	uint32_t uid;

	if (procfs_parse_stat(bytes, size, &stat) == 0) {
		require(memchr(stat.comm, '\0', sizeof(stat.comm)) != NULL);
		(void)procfs_ticks_to_ns(stat.start_ticks);
		(void)procfs_is_start(stat.start_ticks, stat.start_ticks);
	}
	(void)procfs_parse_uid(bytes, size, &uid); /* must only not crash */
	check_command_line(bytes, size);
	return 0;
}
