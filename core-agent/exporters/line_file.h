/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lines to a file or a pipe through a buffer: a line arrives whole or not at all,
 * also when the disk is full. A reader that is slow is waited for when there is no
 * room for its lines, at most a second; one that reads earns that again, a second for
 * each 2 MB, and one that has stalled holds nobody up any more.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_FILE_MAX_BYTES (8 * 1024 * 1024) /* that wait for a reader */

struct line_file;

struct line_file_stats {
	uint64_t n_written; /* lines */
	uint64_t n_dropped;
	uint64_t n_errors; /* failed writes */
};

/*
 * `path` is copied; "-" is standard output. 0, -ENOMEM, or errno of open: -ENXIO for a
 * FIFO that nobody reads.
 */
int line_file_open(const char *path, struct line_file **ret);

/* Takes NULL; does not flush. */
void line_file_free(struct line_file *file);

/*
 * Open the path anew, for log rotation; nothing to do for standard output. On
 * error the old file stays in use.
 */
int line_file_reopen(struct line_file *file);

/*
 * Append a line (without its newline); writes when enough are gathered. 0, or with the
 * line dropped and counted: -E2BIG (longer than 64 KiB), -EAGAIN (no room: nobody reads).
 * Else as line_file_flush(), and the line is kept.
 */
int line_file_add(struct line_file *file, const char *line, size_t size);

/*
 * Write what is buffered as far as that goes at once, to a regular file with one write(2)
 * where the system takes it whole. What a reader has no room for stays. On error all lines
 * that did not arrive are dropped and counted, and part of a line is cut off a regular
 * file again: -ENOSPC, -EPIPE (the reader has gone), -EIO ...
 */
int line_file_flush(struct line_file *file);

/* Flush and wait as said above, once; the number of lines that nobody took. */
uint64_t line_file_end(struct line_file *file);

/* Lines stay for want of room: flush when line_file_fd() is writable. */
bool line_file_is_waiting(const struct line_file *file);

/* Another one after line_file_reopen(). */
int line_file_fd(const struct line_file *file);

const struct line_file_stats *line_file_get_stats(const struct line_file *file);
