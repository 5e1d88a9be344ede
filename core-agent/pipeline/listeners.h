/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The listening sockets of this host, as of the last polls: what each had refused
 * when it was last reported, and whether anything listens at an address. Bounded;
 * one that does not fit is counted and neither reported nor found. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"

#define LISTENERS_MAX 16384

struct listeners;

struct listeners_stats {
	uint64_t n_listeners;  /* in the table now */
	uint64_t n_table_full; /* times that one was left out */
};

/* NULL: out of memory. */
struct listeners *listeners_new(size_t max_listeners);
void listeners_free(struct listeners *listeners);

/* Forget all: another boot. */
void listeners_clear(struct listeners *listeners);

/* Another instance of the probe on the same boot: it counts SYN-ACKs from 0 again. */
void listeners_carry_over(struct listeners *listeners);

/*
 * Take one seen in a snapshot. True: it is to be reported, being new or having
 * refused more since it last was; then `refusals` is filled. Of a new one that
 * began before `since_unix_ns`, or at an unknown time, they are not known.
 */
bool listeners_see(struct listeners *listeners, struct connection *listener,
		   uint64_t since_unix_ns);

/*
 * Does a socket listen where this connection's local end is, at its address or at
 * any, in its network namespace?
 */
bool listeners_has(const struct listeners *listeners, const struct connection *connection);

/* Are all that there are known: has a whole poll been read? */
bool listeners_is_complete(const struct listeners *listeners);

/* A poll was read to the end: those in neither this one nor the one before are forgotten. */
void listeners_sweep(struct listeners *listeners);

const struct listeners_stats *listeners_get_stats(const struct listeners *listeners);
