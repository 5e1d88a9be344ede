/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Giving up rights, for good. Uses libcap-ng. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Become `user` (uid, primary group, the groups it is a member of and no other), clear the
 * bounding set, and make sure there is no way back; when there is no such user, `fallback` (may be
 * NULL). Does nothing when the process is that user already: it then keeps the
 * groups its service manager gave it. 0, -ENOENT when neither exists, -EPERM when not allowed to
 * change, -E2BIG (over 64 groups), or negative errno; after an error rights may be half changed: exit.
 */
int privileges_switch_user(const char *user, const char *fallback);

/* Make `group` the one supplementary group. 0, -ENOENT, or negative errno. */
int privileges_set_group(const char *group);

/*
 * Keep the capabilities whose bit (1 << CAP_X) is set in `keep` and which are
 * permitted now, in effective and permitted, and no other; clear inheritable,
 * and by that ambient. The bounding set is cleared where CAP_SETPCAP is held; in
 * a container it often is not, and privileges_lock() then still sees to it that
 * nothing can be gained by an exec. 0 or negative errno.
 */
int privileges_keep_only(uint64_t keep);

/* no_new_privs, and no core dumps or ptrace by the same user (PR_SET_DUMPABLE 0). */
int privileges_lock(void);
