/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs.h"

#include "tree_fixture.h"

#include <sys/prctl.h>
#include <time.h>

#define STAT_TAIL " S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 8150 12000 300 5\n"

static int parse_stat(const char *text, struct procfs_stat *ret)
{
	return procfs_parse_stat(text, strlen(text), ret);
}

static void stat_gives_comm_parent_and_start(void **state)
{
	struct procfs_stat stat;

	(void)state;
	assert_int_equal(parse_stat("4711 (nginx)" STAT_TAIL, &stat), 0);
	assert_string_equal(stat.comm, "nginx");
	assert_int_equal(stat.parent_pid, 1);
	assert_int_equal(stat.start_ticks, 8150);
}

static void stat_flags_tell_who_never_called_exec(void **state)
{
	static const char forked[] = "7 (a) S 1 1 1 0 -1 4194624 1 1 1 1 1 1 1 1 20 0 1 0 8150 ";
	static const char executed[] = "7 (a) S 1 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 8150 ";
	struct procfs_stat stat;

	(void)state;
	assert_int_equal(parse_stat(forked, &stat), 0);
	assert_true(stat.is_forked_only);
	assert_int_equal(parse_stat(executed, &stat), 0);
	assert_false(stat.is_forked_only);
}

static void stat_comm_may_hold_parentheses_and_spaces(void **state)
{
	struct procfs_stat stat;

	(void)state;
	assert_int_equal(parse_stat("4711 (a) S 9 (b c\n)" STAT_TAIL, &stat), 0);
	assert_string_equal(stat.comm, "a) S 9 (b c\n");
	assert_int_equal(stat.parent_pid, 1);
	assert_int_equal(stat.start_ticks, 8150);
}

static void stat_comm_over_the_limit_is_cut(void **state)
{
	struct procfs_stat stat;
	char text[256] = "1 (";

	(void)state;
	memset(text + 3, 'k', PROCFS_COMM_SIZE + 5);
	(void)strcat(text, ")" STAT_TAIL);
	assert_int_equal(parse_stat(text, &stat), 0);
	assert_int_equal(strlen(stat.comm), PROCFS_COMM_SIZE - 1);
}

static void stat_that_is_cut_or_not_numeric_is_refused(void **state)
{
	struct procfs_stat stat;

	(void)state;
	assert_int_equal(parse_stat("", &stat), -EINVAL);
	assert_int_equal(parse_stat("1 (a", &stat), -EINVAL);
	assert_int_equal(parse_stat("1 )a(", &stat), -EINVAL);
	assert_int_equal(parse_stat("1 (a) S 1 1", &stat), -EINVAL);
	assert_int_equal(parse_stat("1 (a) S x 1 1 0 -1 1 1 1 1 1 1 1 1 1 1 1 1 1 8150 ", &stat),
			 -EINVAL);
	/* Cut in the middle of the start time. */
	assert_int_equal(parse_stat("1 (a) S 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 1 1 1 1 81", &stat),
			 -EINVAL);
	assert_int_equal(parse_stat("1 (a) S 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 1 1 1 1"
				    " 99999999999999999999 ", &stat),
			 -EINVAL);
}

static int parse_uid(const char *text, uint32_t *ret)
{
	return procfs_parse_uid(text, strlen(text), ret);
}

static void status_gives_the_real_uid(void **state)
{
	uint32_t uid;

	(void)state;
	assert_int_equal(parse_uid("Name:\tsu\nUid:\t1000\t0\t0\t0\nGid:\t5\n", &uid), 0);
	assert_int_equal(uid, 1000);
}

static void status_without_a_whole_uid_is_refused(void **state)
{
	uint32_t uid;

	(void)state;
	assert_int_equal(parse_uid("", &uid), -EINVAL);
	assert_int_equal(parse_uid("Name:\tUid:\t1\t\n", &uid), -EINVAL);
	assert_int_equal(parse_uid("Name:\tx\nUid:\t10", &uid), -EINVAL);
	assert_int_equal(parse_uid("Name:\tx\nUid:\t\t1\n", &uid), -EINVAL);
	assert_int_equal(parse_uid("Name:\tx\nUid:\t4294967296\t1\n", &uid), -EINVAL);
}

static void command_line_is_joined_by_single_spaces(void **state)
{
	static const char arguments[] = "nginx:\0\0worker  process\0\x1b[2J\0 \0\0";
	char text[64];

	(void)state;
	assert_int_equal(procfs_join_command_line(arguments, sizeof(arguments), text, sizeof(text)),
			 27);
	assert_string_equal(text, "nginx: worker  process \x1b[2J");
}

static void command_line_is_cut_at_the_callers_size(void **state)
{
	char text[4];

	(void)state;
	assert_int_equal(procfs_join_command_line("a\0bcd", 5, text, sizeof(text)), 3);
	assert_string_equal(text, "a b");
	assert_int_equal(procfs_join_command_line("\0\0", 2, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void start_times_match_within_one_tick(void **state)
{
	uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);

	(void)state;
	assert_true(procfs_is_start(8150 * tick_ns, 8150));
	assert_true(procfs_is_start(8151 * tick_ns - 1, 8150));
	assert_false(procfs_is_start(8151 * tick_ns, 8150));
	assert_false(procfs_is_start(8150 * tick_ns - 1, 8150));
	assert_int_equal(procfs_ticks_to_ns(8150), 8150 * tick_ns);
	assert_int_equal(procfs_ticks_to_ns(UINT64_MAX), UINT64_MAX);
}

static const struct tree_process nginx = {
	.pid = 4711,
	.parent = 1,
	.start_ticks = 8150,
	.uid = 33,
	.comm = "nginx",
	.executable = "/usr/sbin/nginx (deleted)",
	.command_line = "nginx\0-g\0daemon off;",
	.command_line_size = 21,
	.cgroup = "0::/system.slice/nginx.service\n",
};

/* The process in `tree`, read as one that started at `start_ns`. */
static int read_from(const struct tree *tree, uint64_t start_ns, struct procfs_process *ret)
{
	int procfs = procfs_open(tree->procfs);
	int r;

	assert_true(procfs >= 0);
	r = procfs_read_process(procfs, nginx.pid, start_ns, ret);
	assert_int_equal(procfs_check(procfs, nginx.pid, start_ns), r);
	(void)close(procfs);
	return r;
}

static void process_is_read_from_its_files(void **state)
{
	struct procfs_process *process = test_malloc(sizeof(*process));

	tree_add_process(*state, &nginx);
	assert_int_equal(read_from(*state, procfs_ticks_to_ns(8150) + 1, process), 0);
	assert_int_equal(process->stat.parent_pid, 1);
	assert_true(process->has_uid);
	assert_int_equal(process->uid, 33);
	assert_string_equal(process->executable, "/usr/sbin/nginx");
	assert_int_equal(process->command_line_size, 21);
	assert_memory_equal(process->command_line, nginx.command_line, 21);
	assert_false(process->is_command_line_cut);
	assert_int_equal(process->cgroup_size, strlen(nginx.cgroup));
	test_free(process);
}

static void process_with_another_start_time_is_stale(void **state)
{
	struct procfs_process *process = test_malloc(sizeof(*process));

	tree_add_process(*state, &nginx);
	assert_int_equal(read_from(*state, procfs_ticks_to_ns(8151), process), -ESTALE);
	test_free(process);
}

static void absent_process_is_not_found(void **state)
{
	struct procfs_process *process = test_malloc(sizeof(*process));

	assert_int_equal(read_from(*state, 0, process), -ENOENT);
	test_free(process);
}

static void unreadable_files_of_a_process_are_empty(void **state)
{
	struct procfs_process *process = test_malloc(sizeof(*process));
	struct tree_process bare = { .pid = nginx.pid, .comm = "x", .start_ticks = 1 };

	tree_add_process(*state, &bare);
	assert_int_equal(read_from(*state, 0, process), 0);
	assert_string_equal(process->executable, "");
	assert_int_equal(process->command_line_size, 0);
	assert_int_equal(process->cgroup_size, 0);
	test_free(process);
}

static void long_command_line_and_cgroup_are_cut_at_their_caps(void **state)
{
	struct procfs_process *process = test_malloc(sizeof(*process));
	struct tree_process large = nginx;
	char text[PROCFS_MAX_CGROUP_BYTES + 100];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	large.command_line = text;
	large.command_line_size = PROCFS_MAX_COMMAND_LINE_BYTES + 1;
	large.cgroup = text;
	tree_add_process(*state, &large);
	assert_int_equal(read_from(*state, 0, process), 0);
	assert_int_equal(process->command_line_size, PROCFS_MAX_COMMAND_LINE_BYTES);
	assert_true(process->is_command_line_cut);
	assert_int_equal(process->cgroup_size, PROCFS_MAX_CGROUP_BYTES);
	test_free(process);
}

static void own_process_is_read_from_the_real_proc(void **state)
{
	struct procfs_process *process = test_malloc(sizeof(*process));
	int procfs = procfs_open("/proc");
	char executable[PATH_MAX] = "";
	char comm[16];
	struct timespec now;

	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "a) R 1 (b"), 0);
	assert_int_equal(prctl(PR_GET_NAME, comm), 0);
	assert_true(readlink("/proc/self/exe", executable, sizeof(executable) - 1) > 0);
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);

	assert_int_equal(procfs_read_process(procfs, (uint32_t)getpid(), 0, process), 0);
	assert_string_equal(process->stat.comm, comm);
	assert_int_equal(process->stat.parent_pid, getppid());
	assert_in_range(procfs_ticks_to_ns(process->stat.start_ticks), 1,
			(uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	assert_true(process->has_uid);
	assert_int_equal(process->uid, getuid());
	assert_string_equal(process->executable, executable);
	assert_true(process->command_line_size > 0);
	assert_true(process->cgroup_size > 0);
	(void)close(procfs);
	test_free(process);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_gives_comm_parent_and_start),
		cmocka_unit_test(stat_flags_tell_who_never_called_exec),
		cmocka_unit_test(stat_comm_may_hold_parentheses_and_spaces),
		cmocka_unit_test(stat_comm_over_the_limit_is_cut),
		cmocka_unit_test(stat_that_is_cut_or_not_numeric_is_refused),
		cmocka_unit_test(status_gives_the_real_uid),
		cmocka_unit_test(status_without_a_whole_uid_is_refused),
		cmocka_unit_test(command_line_is_joined_by_single_spaces),
		cmocka_unit_test(command_line_is_cut_at_the_callers_size),
		cmocka_unit_test(start_times_match_within_one_tick),
		IN_TREE(process_is_read_from_its_files),
		IN_TREE(process_with_another_start_time_is_stale),
		IN_TREE(absent_process_is_not_found),
		IN_TREE(unreadable_files_of_a_process_are_empty),
		IN_TREE(long_command_line_and_cgroup_are_cut_at_their_caps),
		cmocka_unit_test(own_process_is_read_from_the_real_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
