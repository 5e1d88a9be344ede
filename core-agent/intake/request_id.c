/* SPDX-License-Identifier: Apache-2.0 */
#include "request_id.h"

#include <stdio.h>

#define SECONDS_BITS 22
#define HASH_BITS 28
#define BATCH_BITS 14
#define LOW_BITS(n) ((UINT64_C(1) << (n)) - 1)

static uint32_t fnv1a_32(uint32_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 16777619;
	return hash;
}

static uint64_t seconds_in_month(time_t unix_seconds)
{
	struct tm date;

	if (!gmtime_r(&unix_seconds, &date)) /* the year does not fit an int */
		return 0;
	return (uint64_t)(((date.tm_mday - 1) * 24 + date.tm_hour) * 60 + date.tm_min) * 60 +
	       (uint64_t)date.tm_sec;
}

uint64_t request_id_make(time_t unix_seconds, const char *hostname, pid_t pid, uint32_t batch)
{
	char pid_text[16];
	uint32_t hash;

	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	hash = fnv1a_32(fnv1a_32(2166136261, hostname), pid_text);
	return (seconds_in_month(unix_seconds) & LOW_BITS(SECONDS_BITS)) << (HASH_BITS + BATCH_BITS) |
	       (hash & LOW_BITS(HASH_BITS)) << BATCH_BITS | (batch & LOW_BITS(BATCH_BITS));
}
