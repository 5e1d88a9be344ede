/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who has each end of the connections that do not leave this host, so that a record can
 * tell who is at the other end. Only for those that host_pairs.h knows to have both ends
 * here; bounded, aged by polls. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "connection.h"

struct local_ends;

struct local_end_owner {
	uint32_t pid; /* 0: unknown */
	uint64_t process_start_ns;
	uint64_t cgroup_id;
};

struct local_ends_stats {
	uint64_t n_ends; /* now */
	uint64_t n_full; /* ends not taken in: those at the other do not know who is here */
};

/* NULL: out of memory. */
struct local_ends *local_ends_new(size_t max_ends);
void local_ends_free(struct local_ends *ends); /* takes NULL */
void local_ends_clear(struct local_ends *ends);

/* Its owner is the last one noted that has a pid. */
void local_ends_note(struct local_ends *ends, const struct connection *end);

/* Who has the other end of this one; NULL: not noted. Valid until the next note or sweep. */
const struct local_end_owner *local_ends_other(const struct local_ends *ends,
					       const struct connection *end);

/* A poll was read to the end: what was in neither this one nor the one before leaves. */
void local_ends_sweep(struct local_ends *ends);

const struct local_ends_stats *local_ends_get_stats(const struct local_ends *ends);
