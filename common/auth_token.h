/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The auth token: 64 hex digits in a file that core-agent writes and
 * system-probe only reads. Both look at the file again when it changes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define AUTH_TOKEN_MIN_CHARS 32
#define AUTH_TOKEN_MAX_CHARS 256

struct auth_token;

/* `path` is copied. The file need not exist yet. NULL: out of memory. */
struct auth_token *auth_token_new(const char *path);
void auth_token_free(struct auth_token *token);

/*
 * Read the file if it is new or has changed since the last call (by inode, size,
 * modification and change time). 0, or -ENOENT (missing), -EACCES, -EPERM
 * (writable by others), -EINVAL (not a regular file; or shorter than 32 or longer
 * than 256 characters after trimming, or with a space or a byte that is not
 * printable ASCII); on error the old token is forgotten.
 */
int auth_token_refresh(struct auth_token *token);

/* NUL-terminated, owned by `token`; NULL when the last refresh did not succeed. */
const char *auth_token_get(const struct auth_token *token);

/* User that owns the file; (uid_t)-1 when the last refresh did not succeed. */
uid_t auth_token_owner(const struct auth_token *token);

/* Constant time in the content; false when there is no token. */
bool auth_token_matches(const struct auth_token *token, const char *candidate, size_t size);

/*
 * Write a new random token (getrandom) to `path` with mode 0640, complete from
 * the moment the name exists, unless a readable valid one is there or another
 * process was faster. An existing invalid file is an error as in
 * auth_token_refresh(), not overwritten. 0, or negative errno.
 */
int auth_token_create(const char *path);
