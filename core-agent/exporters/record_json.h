/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The JSON record: what a connection did in one interval, as one flat object.
 * A field that is absent is unknown; zero means zero. Pure.
 */

#include <jansson.h>

#include "connection.h"

/* A new reference; NULL: out of memory. Bytes that are not UTF-8 become U+FFFD. */
json_t *record_json_connection(const struct connection *connection,
			       const struct interval *interval);

/* A listening socket (state CONNECTION_LISTENING): no remote end, no counters. */
json_t *record_json_listener(const struct connection *listener, const struct interval *interval);

/* The same with the totals in place of what happened in the interval. */
json_t *record_json_totals(const struct connection *connection, const struct interval *interval);

/* Its part about the process and container alone, with their tags. */
json_t *record_json_owner(const struct connection *connection);

/* May an object of record_json_totals() have such a member, besides tags (record_tags.h)? */
bool record_json_has_field(const char *name);

/* {"time": ..., "probe_instance": ..., "overflow": {"cause": ..., "connections": ...}} */
json_t *record_json_overflow(const struct overflow *overflow, const struct interval *interval);

/*
 * As one line of text without newline, heap; takes over the reference, which may
 * be NULL. NULL: out of memory.
 */
char *record_json_text(json_t *record);
