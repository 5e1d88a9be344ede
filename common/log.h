/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One line on stderr for one event: a sentence, then key=value fields.
 *
 *   log_warn("cannot read the auth token", "path=%s error=%s", path, strerror(e));
 *   -> 2026-11-21T10:00:00Z warn cannot read the auth token path=/x error="No such file"
 *
 * Where stderr is the journal (JOURNAL_STREAM names its device and inode) the
 * line starts with <N>, the syslog priority, and has no time: the journal has.
 *
 * error: someone must act. warn: we degraded, and how. info: start, stop, choice
 * made. debug: free. A %s value that is empty or has a space, quote, backslash,
 * '=' or a byte outside printable ASCII is quoted, and escaped as in C with
 * \xNN; so no value can forge a field, a line or a terminal sequence.
 */

#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_MAX_LINE_BYTES 2048

/* Lines above `level` are dropped. Starts as LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/*
 * `fields` is "key=%s key=%d ..." or NULL. Supports %s %.*s %d %i %u %x %zu %zd
 * %ld %lu %lx %llu %lld %llx and PRIu64's forms; anything else ends the line
 * with "(unsupported format)". A NULL %s prints as "-". A line over
 * LOG_MAX_LINE_BYTES, newline included, is cut and ends in "...". Written with
 * one write(2); keeps errno.
 */
void log_line(enum log_level level, const char *sentence, const char *fields, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Every line that is written goes to `tap` too, whole, with its newline; NULL ends that.
 * `tap` must not log.
 */
void log_set_tap(void (*tap)(const char *line, size_t size, void *context), void *context);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
