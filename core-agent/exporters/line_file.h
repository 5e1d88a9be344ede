/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lines to a file or a pipe through a buffer: a line arrives whole or not at all,
 * also when the disk is full.
 */

#include <stddef.h>
#include <stdint.h>

struct line_file;

struct line_file_stats {
	uint64_t n_written; /* lines */
	uint64_t n_dropped;
	uint64_t n_errors; /* failed writes */
};

/* `path` is copied; "-" is standard output. 0, -ENOMEM, or errno of open. */
int line_file_open(const char *path, struct line_file **ret);

/* Takes NULL; does not flush. */
void line_file_free(struct line_file *file);

/*
 * Open the path anew, for log rotation; nothing to do for standard output. On
 * error the old file stays in use.
 */
int line_file_reopen(struct line_file *file);

/*
 * Append a line (without its newline); writes when the buffer is full. 0, -E2BIG
 * (longer than the buffer; dropped and counted), or as line_file_flush().
 */
int line_file_add(struct line_file *file, const char *line, size_t size);

/*
 * Write what is buffered, with one write(2) where the system takes it whole. On
 * error the lines that did not arrive are dropped and counted, and part of a line
 * is cut off a regular file again: -ENOSPC, -EPIPE (the reader has gone), -EIO ...
 */
int line_file_flush(struct line_file *file);

const struct line_file_stats *line_file_get_stats(const struct line_file *file);
