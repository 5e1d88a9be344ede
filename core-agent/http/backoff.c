/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff.h"

static uint32_t clamp_retry_after_ms(int64_t seconds)
{
	if (seconds <= 0)
		return 0;
	if (seconds > BACKOFF_MAX_RETRY_AFTER_S)
		seconds = BACKOFF_MAX_RETRY_AFTER_S;
	return (uint32_t)seconds * 1000;
}

uint32_t backoff_delay_ms(uint32_t n_failures, int64_t retry_after_s, uint32_t random)
{
	uint32_t asked_ms = clamp_retry_after_ms(retry_after_s);
	uint32_t full_ms = BACKOFF_FIRST_MS;
	uint32_t delay_ms;

	for (uint32_t i = 1; i < n_failures && full_ms < BACKOFF_MAX_MS; i++)
		full_ms *= 2;
	if (full_ms > BACKOFF_MAX_MS)
		full_ms = BACKOFF_MAX_MS;
	delay_ms = full_ms / 2 + random % (full_ms / 2 + 1);
	return delay_ms > asked_ms ? delay_ms : asked_ms;
}
