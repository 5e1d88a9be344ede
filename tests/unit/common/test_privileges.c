/* SPDX-License-Identifier: Apache-2.0 */
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

#define BIT(cap) (UINT64_C(1) << (cap))

/*
 * What is given up is given up for good, so each test does it in a child. The
 * child returns the line of its first check that fails, or 0.
 */
#define CHECK(condition)                 \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

static int line_that_failed(int (*child)(void))
{
	int pipe_fds[2], line = -1;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		line = child();
		_exit(write(pipe_fds[1], &line, sizeof(line)) == sizeof(line) ? 0 : 1);
	}
	(void)close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &line, sizeof(line)), sizeof(line));
	(void)close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return line;
}

static void skip_unless_root(void)
{
	if (getuid() == 0)
		return;
	print_message("skipped: only root has rights to give up\n");
	skip();
}

/* The hexadecimal value of a line of /proc/self/status. */
static uint64_t status_value(const char *name)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long long value = UINT64_MAX;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			(void)sscanf(line + strlen(name), ": %llx", &value);
	if (file)
		(void)fclose(file);
	return value;
}

static int switch_to_nobody(void)
{
	const struct passwd *nobody = getpwnam("nobody");
	const gid_t groups[] = { 1, 2 };
	uid_t uids[3];
	gid_t gids[3];

	CHECK(setgroups(2, groups) == 0);
	CHECK(privileges_switch_user("nobody", NULL) == 0);
	CHECK(getresuid(&uids[0], &uids[1], &uids[2]) == 0);
	CHECK(getresgid(&gids[0], &gids[1], &gids[2]) == 0);
	for (int i = 0; i < 3; i++) {
		CHECK(uids[i] == nobody->pw_uid);
		CHECK(gids[i] == nobody->pw_gid);
	}
	CHECK(getgroups(0, NULL) == 0);
	CHECK(setuid(0) < 0);
	return 0;
}

static void switched_user_has_no_groups_and_no_way_back(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(switch_to_nobody), 0);
}

/* The first user of this machine that is a member of a group; NULL: none. */
static const char *member_of_a_group(gid_t *ret_group)
{
	static char user[64];

	user[0] = '\0';
	for (struct group *entry; !*user && (entry = getgrent());) {
		*ret_group = entry->gr_gid;
		for (char **name = entry->gr_mem; !*user && *name; name++)
			if (getpwnam(*name) && getpwnam(*name)->pw_uid != 0 &&
			    getpwnam(*name)->pw_gid != entry->gr_gid)
				(void)snprintf(user, sizeof(user), "%s", *name);
	}
	endgrent();
	return *user ? user : NULL;
}

static int switch_to_member(void)
{
	gid_t wanted, groups[64];
	const char *user = member_of_a_group(&wanted);
	int n;

	CHECK(privileges_switch_user(user, NULL) == 0);
	n = getgroups(64, groups);
	while (n > 0 && groups[n - 1] != wanted)
		n--;
	CHECK(n > 0);
	return 0;
}

static void switched_user_has_the_groups_it_is_a_member_of(void **state)
{
	gid_t group;

	(void)state;
	skip_unless_root();
	if (!member_of_a_group(&group)) {
		print_message("skipped: no user here is a member of a group\n");
		skip();
	}
	assert_int_equal(line_that_failed(switch_to_member), 0);
}

static int switch_to_fallback(void)
{
	CHECK(privileges_switch_user("no-such-user", "nobody") == 0);
	CHECK(getuid() == getpwnam("nobody")->pw_uid);
	return 0;
}

static void fallback_is_taken_when_the_user_is_unknown(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(switch_to_fallback), 0);
}

static void two_unknown_users_are_enoent(void **state)
{
	(void)state;
	assert_int_equal(privileges_switch_user("no-such-user", "nor-this"), -ENOENT);
	assert_int_equal(privileges_switch_user("no-such-user", NULL), -ENOENT);
}

static int switch_twice(void)
{
	CHECK(privileges_switch_user("nobody", NULL) == 0);
	CHECK(privileges_switch_user("nobody", NULL) == 0);
	return 0;
}

static void being_that_user_already_is_no_error(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(switch_twice), 0);
}

static int switch_without_right(void)
{
	CHECK(privileges_switch_user("nobody", NULL) == 0);
	CHECK(privileges_switch_user("daemon", NULL) == -EPERM);
	return 0;
}

static void switch_without_the_right_is_eperm(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(switch_without_right), 0);
}

static int set_one_group(void)
{
	gid_t groups[4];

	CHECK(privileges_set_group("daemon") == 0);
	CHECK(getgroups(4, groups) == 1);
	CHECK(groups[0] == getgrnam("daemon")->gr_gid);
	return 0;
}

static void group_is_the_only_supplementary_one(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(set_one_group), 0);
}

static void unknown_group_is_enoent(void **state)
{
	(void)state;
	assert_int_equal(privileges_set_group("no-such-group"), -ENOENT);
}

static int keep_two(void)
{
	CHECK(privileges_keep_only(BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_PTRACE)) == 0);
	CHECK(status_value("CapEff") == (BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_PTRACE)));
	CHECK(status_value("CapPrm") == (BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_PTRACE)));
	CHECK(status_value("CapInh") == 0);
	CHECK(status_value("CapAmb") == 0);
	CHECK(status_value("CapBnd") == 0);
	return 0;
}

static void only_the_named_capabilities_stay(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(keep_two), 0);
}

static int keep_none(void)
{
	CHECK(privileges_keep_only(0) == 0);
	CHECK(status_value("CapEff") == 0);
	CHECK(status_value("CapPrm") == 0);
	return 0;
}

static void all_capabilities_can_be_given_up(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(keep_none), 0);
}

static int keep_in_two_steps(void)
{
	CHECK(privileges_keep_only(BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_PTRACE)) == 0);
	CHECK(privileges_keep_only(BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW)) == 0);
	CHECK(status_value("CapPrm") == BIT(CAP_NET_ADMIN));
	return 0;
}

static void capability_given_up_before_does_not_come_back(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(keep_in_two_steps), 0);
}

static int keep_none_as_nobody(void)
{
	CHECK(privileges_switch_user("nobody", NULL) == 0);
	CHECK(status_value("CapBnd") == 0);
	CHECK(privileges_keep_only(0) == 0);
	CHECK(status_value("CapPrm") == 0);
	return 0;
}

static void user_without_capabilities_can_still_clear_them(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(keep_none_as_nobody), 0);
}

/* nobody with CAP_NET_RAW in all sets, so that ambient is not empty to begin with. */
static int clear_ambient(void)
{
	CHECK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	capng_clear(CAPNG_SELECT_BOTH);
	CHECK(capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE,
			   CAP_NET_RAW) == 0);
	CHECK(capng_apply(CAPNG_SELECT_CAPS) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0);
	CHECK(status_value("CapAmb") == BIT(CAP_NET_RAW));
	CHECK(privileges_keep_only(BIT(CAP_NET_RAW)) == 0);
	CHECK(status_value("CapPrm") == BIT(CAP_NET_RAW));
	CHECK(status_value("CapAmb") == 0);
	CHECK(status_value("CapInh") == 0);
	return 0;
}

static void ambient_and_inheritable_are_cleared(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(line_that_failed(clear_ambient), 0);
}

static int lock(void)
{
	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	CHECK(privileges_lock() == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	return 0;
}

static void locked_process_gains_nothing_and_dumps_nothing(void **state)
{
	(void)state;
	assert_int_equal(line_that_failed(lock), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switched_user_has_no_groups_and_no_way_back),
		cmocka_unit_test(switched_user_has_the_groups_it_is_a_member_of),
		cmocka_unit_test(fallback_is_taken_when_the_user_is_unknown),
		cmocka_unit_test(two_unknown_users_are_enoent),
		cmocka_unit_test(being_that_user_already_is_no_error),
		cmocka_unit_test(switch_without_the_right_is_eperm),
		cmocka_unit_test(group_is_the_only_supplementary_one),
		cmocka_unit_test(unknown_group_is_enoent),
		cmocka_unit_test(only_the_named_capabilities_stay),
		cmocka_unit_test(all_capabilities_can_be_given_up),
		cmocka_unit_test(capability_given_up_before_does_not_come_back),
		cmocka_unit_test(user_without_capabilities_can_still_clear_them),
		cmocka_unit_test(ambient_and_inheritable_are_cleared),
		cmocka_unit_test(locked_process_gains_nothing_and_dumps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
