/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ends of TCP connections that no program told. Where the kernel runs none, not when a socket
 * closes and not when it is destroyed, its record is lost, and nobody can say which; but what
 * began has ended or is still alive, so their number is what is missing. Pure.
 */

#include <stdint.h>

/* Counted by the programs since the probe's start. */
struct tcp_tally {
	uint64_t n_begun;
	uint64_t n_ended;
	uint64_t n_freed; /* sockets, ended or not, seen to be freed */
};

struct unseen_ends {
	uint64_t n_told;
	uint64_t n_last; /* by the last walk */
};

/*
 * After a walk that found n_live of those that began (sp_connection.is_tallied); the tallies
 * are of just before and just after it. What had begun before and is neither found nor ended
 * after it has ended unseen; what begins or ends meanwhile only makes that number too small,
 * by as much. A socket that is freed meanwhile may have the walk pass over one that lives, so
 * as many are left out. A number counts when two walks in a row have it.
 */
void unseen_ends_update(struct unseen_ends *ends, struct tcp_tally before, struct tcp_tally after,
			uint64_t n_live);
