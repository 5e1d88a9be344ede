/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which connections have both ends on this host: those of which two records came
 * with the same two endpoints, mirrored, in whatever network namespaces, but those of
 * loopback in one. A set of keyed 64-bit hashes, 16 bytes for each connection; bounded,
 * aged by polls.
 * Two connections with one hash would be taken for a pair: one chance in 2^64 for
 * each two of them. Pure but for its key, which is random.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"

struct host_pairs;

struct host_pairs_stats {
	uint64_t n_pairs;   /* in the set now, single ends included */
	uint64_t n_full;    /* ends not taken in: their pairs are not recognized */
	uint64_t n_hurried; /* single closed ends that had to leave before their time */
};

/* NULL: out of memory, or no random bytes (errno). */
struct host_pairs *host_pairs_new(size_t max_pairs);
void host_pairs_free(struct host_pairs *pairs);
void host_pairs_clear(struct host_pairs *pairs);

/* An end was seen, open or closed. Failed attempts have no other end: no effect. */
void host_pairs_see(struct host_pairs *pairs, const struct connection *end);

/* Was the other end of this one seen? */
bool host_pairs_has(const struct host_pairs *pairs, const struct connection *end);

/* A poll was read to the end: what was in neither this one nor the one before leaves. */
void host_pairs_sweep(struct host_pairs *pairs);

const struct host_pairs_stats *host_pairs_get_stats(const struct host_pairs *pairs);
