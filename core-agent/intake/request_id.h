/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The X-DD-Request-ID header, from high to low: 22 bits seconds since the
 * month began (UTC), 28 bits of a hash of host name and pid, 14 bits batch.
 * The messages of one interval share the upper 50 bits.
 */

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* `batch` counts from 0; only its lower 14 bits are used. */
uint64_t request_id_make(time_t unix_seconds, const char *hostname, pid_t pid, uint32_t batch);
