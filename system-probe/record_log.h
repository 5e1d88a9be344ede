/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An append-only log of small byte records in a fixed ring. Records are numbered
 * from 1 and never renumbered; the oldest give way to the newest, so a reader
 * that finds a number gone knows exactly how many it missed. Pure.
 */

#include <stddef.h>
#include <stdint.h>

struct record_log;

struct record_log_entry {
	const uint8_t *bytes; /* valid until the next append */
	size_t size;
};

/*
 * `max_records` >= 1 and `max_bytes` >= the largest record; memory is touched
 * only as it fills. NULL: out of memory or a size of 0.
 */
struct record_log *record_log_new(size_t max_records, size_t max_bytes);
void record_log_free(struct record_log *log);

/* 0, or -EMSGSIZE when `size` is 0 or above max_bytes. The number is next_sequence's. */
int record_log_append(struct record_log *log, const uint8_t *bytes, size_t size);

/* First number still held, and the number that the next append gets; equal when empty. */
uint64_t record_log_first_sequence(const struct record_log *log);
uint64_t record_log_next_sequence(const struct record_log *log);

/* 0 and `ret_entry`, or -ENOENT when `sequence` is gone or not there yet. */
int record_log_get(const struct record_log *log, uint64_t sequence,
		   struct record_log_entry *ret_entry);
