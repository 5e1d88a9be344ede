/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is kept of a `struct connection` until its interval is encoded. A host
 * has tens of thousands: only what goes upstream, and names only by reference.
 */

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"

struct record {
	uint64_t id;
	struct connection_counters interval;
	uint8_t local_address[16];
	uint8_t remote_address[16];
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t netns;
	uint32_t error;
	uint32_t pid;
	uint32_t rtt_us;     /* 0: never measured */
	uint32_t rtt_var_us;
	uint8_t protocol;  /* enum connection_protocol */
	uint8_t family;    /* enum connection_family */
	uint8_t state;     /* enum connection_state */
	uint8_t role;      /* enum connection_role */
	uint8_t direction; /* enum connection_direction */
	bool is_established_now;
	bool has_ecn;
	const struct tag_set *tags, *remote_tags; /* held; NULL: none */
	const char *container_id; /* printable ASCII; NULL: none or unknown */
	const char *remote_container_id; /* likewise */
	const char *process;      /* name of the program, any bytes; NULL: unknown */
};
