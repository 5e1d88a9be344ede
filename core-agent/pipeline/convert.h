/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From the probe's record to the agent's, with every value checked. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"
#include "sysprobe.pb-c.h"

/*
 * Fill `ret` without direction, interval, owner and new flags; `comm` and reasons of
 * drops are borrowed from `record`. Counters that it does not know are 0.
 * `boot_to_unix_ns` is added to its times. v4-mapped IPv6 becomes IPv4. -EINVAL, `ret`
 * untouched: id 0 or not below 2^53, an unknown protocol, family, role or state, an
 * address whose size does not fit the family, or a port above 65535.
 */
int convert_connection(const Sysprobe__V1__Connection *record, int64_t boot_to_unix_ns,
		       struct connection *ret);

/* Unix time of a CLOCK_BOOTTIME time; 0 (unknown) stays 0, as does what lies before 1970. */
uint64_t convert_time(uint64_t boottime_ns, int64_t boot_to_unix_ns);

/* Header.now_unix_ns less Header.now_boottime_ns. */
int64_t convert_boot_to_unix(const Sysprobe__V1__Header *header);

/* Header.boot_id as 32 hex digits; empty when it is not 16 bytes. */
void convert_boot_id(const Sysprobe__V1__Header *header, char ret[33]);

/* `ret` takes 32 hex digits and NUL; the instance id has BATCH_STREAM_INSTANCE_BYTES. */
void convert_instance(const Sysprobe__V1__Header *header, char ret[33]);
