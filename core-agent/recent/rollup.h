/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Recent connections added up: by process, container or service on this host, and, for
 * a topology, by the remote end that it talks to: its address, and its process, container
 * or service where that is known. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter.h"
#include "recent.h"

enum rollup_by { ROLLUP_PROCESS, ROLLUP_CONTAINER, ROLLUP_SERVICE };

struct rollup_settings {
	enum rollup_by by;
	bool has_remote;       /* else all that one group does is one row */
	bool has_unnamed;      /* also what has no process, container or service */
	const struct filter *filter;
};

/*
 * One sum. What a row of processes, containers or services is called stands in
 * `sample`, one of its records; it may differ in all that the row is not about.
 */
struct rollup_row {
	const struct recent_record *sample; /* held */
	uint8_t remote_address[16];
	uint8_t family, protocol, role;
	uint16_t port; /* of the server's end; 0: it is not known which that is */
	uint64_t n_open, n_closed, n_failed;
	struct connection_counters total;
	uint64_t max_rtt_us; /* 0: none has one */
};

struct rollup;

/* 0, or -ENOMEM. Largest sum of bytes first. */
int rollup_new(struct recent *recent, const struct rollup_settings *settings,
	       struct rollup **ret);
void rollup_free(struct rollup *rollup); /* takes NULL */

size_t rollup_n(const struct rollup *rollup);
const struct rollup_row *rollup_get(const struct rollup *rollup, size_t i);
