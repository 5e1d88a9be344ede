/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The connections that are open now and those that ended last, in memory, for
 * questions that are asked of the agent. Bounded: the one that ended longest ago gives
 * way; when all are open, a new one is not kept. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"

/* Texts of a record; NULL: unknown. Equal ones of one store have equal addresses. */
enum recent_text {
	RECENT_COMM,
	RECENT_EXECUTABLE,
	RECENT_COMMAND_LINE,
	RECENT_USER,
	RECENT_CONTAINER_ID,
	RECENT_POD_UID,
	RECENT_SYSTEMD_UNIT,
	RECENT_REMOTE_CONTAINER_ID,
	RECENT_N_TEXTS,
};

/*
 * Read only for all but the store. What every question looks at stands together at the
 * beginning: reading memory is what a question costs.
 */
struct recent_record {
	uint8_t protocol; /* enum connection_protocol, and so on */
	uint8_t family;
	uint8_t state;
	uint8_t role;
	uint8_t direction;
	bool has_rtt;
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t pid;
	uint32_t netns;
	uint32_t error;
	struct connection_counters total;
	uint8_t local_address[16];
	uint8_t remote_address[16];
	const char *texts[RECENT_N_TEXTS];
	const struct tag_set *tags, *remote_tags; /* held; NULL: none */
	const char *container_runtime; /* static, or NULL */
	const char *probe_instance;    /* a text like the others */
	uint64_t id;
	uint64_t time_unix_ns; /* of the last look */
	uint64_t process_start_ns;
	uint64_t process_start_unix_ns;
	uint64_t started_unix_ns;
	uint64_t established_unix_ns;
	uint64_t accepted_unix_ns;
	uint64_t closed_unix_ns;
	uint32_t rtt_us;
	uint32_t rtt_var_us;
	bool owner_is_listener;
	struct connection_facts facts;
};

struct recent_stats {
	uint64_t n_open;     /* now */
	uint64_t n_ended;    /* now, closed or failed */
	uint64_t n_texts;    /* now */
	uint64_t n_evicted;  /* ended ones that gave way */
	uint64_t n_not_kept; /* looks at connections that found no room */
};

struct recent;
struct tag_set;

typedef void (*recent_on_record)(const struct recent_record *record, void *context);

/* NULL: out of memory. */
struct recent *recent_new(size_t max_records);
void recent_free(struct recent *recent); /* after the last record was released */

/* An interval begins, perhaps with another instance of the probe. */
void recent_begin(struct recent *recent, const struct interval *interval);

/* What is known of a connection now. */
void recent_add(struct recent *recent, const struct connection *connection);

/* A look at all open connections has ended: those not seen twice are forgotten. */
void recent_polled(struct recent *recent);

/* Those that ended come first, oldest first. Nothing may be added meanwhile. */
void recent_for_each(const struct recent *recent, recent_on_record on_record, void *context);

/* Keep a record, which may change but not vanish, beyond the callback; end that. */
const struct recent_record *recent_hold(struct recent *recent, const struct recent_record *record);
void recent_release(struct recent *recent, const struct recent_record *record);

/* The form that the rest of the agent has, without `interval`, `before_probe` and drops. */
void recent_to_connection(const struct recent_record *record, struct connection *ret,
			  struct interval *ret_interval);

struct recent_stats recent_get_stats(const struct recent *recent);
