/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How long to wait before an attempt is repeated. */

#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 60000
#define BACKOFF_MAX_RETRY_AFTER_S 300

/*
 * Milliseconds to wait after the `n_failures`th failure in a row (from 1): doubles
 * from BACKOFF_FIRST_MS to BACKOFF_MAX_MS, of which `random` (any value) picks a
 * point in the upper half, so that a fleet does not return in step. Never less
 * than `retry_after_s`, what the server asked for (0: nothing), of which at most
 * BACKOFF_MAX_RETRY_AFTER_S is believed.
 */
uint32_t backoff_delay_ms(uint32_t n_failures, int64_t retry_after_s, uint32_t random);
