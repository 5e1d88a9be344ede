/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * User id -> name, from a file in the form of /etc/passwd. getpwuid() is not
 * used: it may wait for a directory service, and the loop must not.
 */

#include <stddef.h>
#include <sys/types.h>

struct user_names;

/* `path` is copied. At most `max_users` are remembered. NULL: out of memory. */
struct user_names *user_names_new(const char *path, size_t max_users);
void user_names_free(struct user_names *names);

/*
 * The name, or the number as text when the file does not have it. NULL: out of
 * memory, or `max_users` others were asked for since the last tick that emptied
 * it. Valid until user_names_tick().
 */
const char *user_names_get(struct user_names *names, uid_t uid);

/* The number as text, for a user of a container: the host's file does not name it. */
const char *user_names_get_number(struct user_names *names, uid_t uid);

/* Forget everything if the file has changed (inode, size, mtime) or no room is left. */
void user_names_tick(struct user_names *names);
