/* SPDX-License-Identifier: Apache-2.0 */
#include "privileges.h"

#include "log.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* getpwnam(3) lists what "not found" may leave in errno. */
static int lookup_error(int error)
{
	bool is_missing = error == 0 || error == ENOENT || error == ESRCH || error == EBADF ||
			  error == EPERM;

	return is_missing ? -ENOENT : -error;
}

/* Not reentrant, and need not be: rights are given up before any thread starts. */
#define MAX_GROUPS 64

static int find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user)
		return lookup_error(errno);
	*ret_uid = user->pw_uid;
	*ret_gid = user->pw_gid;
	return 0;
}

static bool is_already(uid_t uid, gid_t gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	return getresuid(&ruid, &euid, &suid) == 0 && getresgid(&rgid, &egid, &sgid) == 0 &&
	       ruid == uid && euid == uid && suid == uid && rgid == gid && egid == gid &&
	       sgid == gid;
}

/* While the right to do so is still there; another user without it has nothing to clear. */
static void clear_bounding_set(void)
{
	if (capng_get_caps_process() < 0 ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return;
	capng_clear(CAPNG_SELECT_BOUNDS);
	if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		log_warn("cannot clear the capability bounding set", NULL);
}

/* Those that the administrator made it a member of; its own group is none of these. */
static int set_groups_of(const char *user, gid_t gid)
{
	gid_t groups[MAX_GROUPS];
	int n = MAX_GROUPS;
	size_t n_others = 0;

	if (getgrouplist(user, gid, groups, &n) < 0)
		return -E2BIG;
	for (int i = 0; i < n; i++)
		if (groups[i] != gid)
			groups[n_others++] = groups[i];
	return setgroups(n_others, groups) < 0 ? -errno : 0;
}

int privileges_switch_user(const char *user, const char *fallback)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	int r = find_user(user, &uid, &gid);

	if (r == -ENOENT && fallback) {
		user = fallback;
		r = find_user(user, &uid, &gid);
	}
	if (r < 0)
		return r;
	if (uid != 0 && is_already(uid, gid))
		return 0;
	if (uid != 0)
		clear_bounding_set();
	/* Groups first: afterwards the right to change them is gone. */
	r = set_groups_of(user, gid);
	if (r < 0)
		return r;
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	/* A kernel or sandbox that says yes and does nothing must not pass unseen. */
	if (!is_already(uid, gid) || (uid != 0 && setuid(0) == 0))
		return -EPERM;
	return 0;
}

int privileges_set_group(const char *group)
{
	struct group *entry;

	errno = 0;
	entry = getgrnam(group);
	if (!entry)
		return lookup_error(errno);
	return setgroups(1, &entry->gr_gid) < 0 ? -errno : 0;
}

static uint64_t permitted(void)
{
	uint64_t held = 0;

	for (unsigned int cap = 0; cap <= CAP_LAST_CAP && cap < 64; cap++)
		if (capng_have_capability(CAPNG_PERMITTED, cap))
			held |= UINT64_C(1) << cap;
	return held;
}

static int select_capabilities(uint64_t keep)
{
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP && cap < 64; cap++) {
		if (!(keep & (UINT64_C(1) << cap)))
			continue;
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap) < 0)
			return -EINVAL;
	}
	return 0;
}

int privileges_keep_only(uint64_t keep)
{
	capng_select_t sets = CAPNG_SELECT_BOTH;
	int r;

	if (capng_get_caps_process() < 0)
		return -EIO;
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		log_debug("the capability bounding set stays: CAP_SETPCAP is not held", NULL);
		sets = CAPNG_SELECT_CAPS;
	}
	r = select_capabilities(keep & permitted());
	if (r < 0)
		return r;
	errno = 0;
	if (capng_apply(sets) < 0)
		return errno > 0 ? -errno : -EPERM;
	return 0;
}

int privileges_lock(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
