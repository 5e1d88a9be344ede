/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writes tar archives: POSIX.1-1988 ustar, plain files with short names. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TAR_MAX_NAME_BYTES 99
#define TAR_MAX_FILE_BYTES (UINT64_C(8) * 1024 * 1024 * 1024 - 1) /* 11 octal digits */

/*
 * 0, -ENAMETOOLONG, -EFBIG, or the negative errno of writing. `modified` is in seconds of
 * Unix time, 0 or more. The file is for its owner alone to read.
 */
int tar_add(FILE *out, const char *name, const void *bytes, size_t size, int64_t modified);

/* The end of the archive. 0 or negative errno. */
int tar_end(FILE *out);
