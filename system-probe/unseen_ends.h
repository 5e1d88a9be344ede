/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ends of TCP connections that no program told. Where the kernel runs none, not when a socket
 * closes and not when it is destroyed, its record is lost, and nobody can say which; but what
 * began has ended or is still alive, so their number is what is missing. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

struct sp_connection;

/* Counted by the programs since the probe's start. */
struct tcp_tally {
	uint64_t n_begun;
	uint64_t n_ended;
};

struct unseen_ends {
	uint64_t n_told;
	uint64_t n_last; /* of the last walk that could tell */
};

/* Whether a record of a walk is of what the tally has in n_begun, and not in n_ended. */
bool unseen_ends_is_begun(const struct sp_connection *live);

/*
 * After a walk that found n_live of those. It can tell only when nothing began or ended
 * meanwhile. A walk that a socket's end disturbed may pass others over, so a number
 * counts when two walks have it.
 */
void unseen_ends_update(struct unseen_ends *ends, struct tcp_tally before, struct tcp_tally after,
			uint64_t n_live);
