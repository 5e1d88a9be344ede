/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Closed connections, encoded once, numbered, kept until newer ones need the
 * room. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "record_log.h"
#include "sp_types.h"

struct closed_log;

/* `max_records` >= 1. NULL: out of memory. */
struct closed_log *closed_log_new(size_t max_records);
void closed_log_free(struct closed_log *log);

/* 0, or negative errno of encoding, which ENCODE_CONNECTION_MAX_BYTES rules out. */
int closed_log_append(struct closed_log *log, const struct sp_connection *connection);

uint64_t closed_log_first_sequence(const struct closed_log *log);
uint64_t closed_log_next_sequence(const struct closed_log *log);

/* What all records ever appended added up to. */
const struct sp_overflow *closed_log_total(const struct closed_log *log);

/* An encoded Connection message; 0, or -ENOENT as in record_log_get(). */
int closed_log_get(const struct closed_log *log, uint64_t sequence,
		   struct record_log_entry *ret_entry);
