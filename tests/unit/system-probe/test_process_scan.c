/* SPDX-License-Identifier: Apache-2.0 */
#include "process_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sysprobe.pb-c.h"

#define AFTER_COMM " S 17 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 998877 1 2"

static struct process_stat parsed(const char *line)
{
	struct process_stat stat;

	assert_int_equal(process_stat_parse(line, &stat), 0);
	return stat;
}

static int refused(const char *line)
{
	struct process_stat stat;

	return process_stat_parse(line, &stat);
}

static void plain_line_gives_its_fields(void **state)
{
	struct process_stat stat = parsed("42 (cat)" AFTER_COMM);

	(void)state;
	assert_string_equal(stat.comm, "cat");
	assert_int_equal(stat.parent_tgid, 17);
	assert_int_equal(stat.start_ticks, 998877);
}

static void comm_may_hold_spaces_and_parentheses(void **state)
{
	(void)state;
	assert_string_equal(parsed("42 (a b)" AFTER_COMM).comm, "a b");
	assert_string_equal(parsed("42 ((sd-pam))" AFTER_COMM).comm, "(sd-pam)");
	assert_string_equal(parsed("42 (x) S 1 2 (y)" AFTER_COMM).comm, "x) S 1 2 (y");
	assert_string_equal(parsed("42 ())" AFTER_COMM).comm, ")");
	assert_string_equal(parsed("42 ()" AFTER_COMM).comm, "");
	assert_int_equal(parsed("42 () R 5 (" ")" AFTER_COMM).parent_tgid, 17);
}

static void kernel_thread_with_a_long_name_is_taken_whole(void **state)
{
	(void)state;
	assert_string_equal(parsed("42 (kworker/u17:12-events_unbound_long)" AFTER_COMM).comm,
			    "kworker/u17:12-events_unbound_long");
}

static void name_of_64_characters_is_refused(void **state)
{
	static const char name[] =
		"0123456789012345678901234567890123456789012345678901234567890123";
	char line[256];

	(void)state;
	snprintf(line, sizeof(line), "42 (%s)%s", name, AFTER_COMM);
	assert_int_equal(refused(line), -EBADMSG);
	snprintf(line, sizeof(line), "42 (%s)%s", name + 1, AFTER_COMM);
	assert_string_equal(parsed(line).comm, name + 1);
}

static void broken_lines_are_refused(void **state)
{
	(void)state;
	assert_int_equal(refused(""), -EBADMSG);
	assert_int_equal(refused("42"), -EBADMSG);
	assert_int_equal(refused("42 (cat"), -EBADMSG);
	assert_int_equal(refused("42 cat) S 17"), -EBADMSG);
	assert_int_equal(refused("42 )cat( S 17"), -EBADMSG);
	assert_int_equal(refused("42 (cat)"), -EBADMSG);
	assert_int_equal(refused("42 (cat) S 17 42 42 0"), -EBADMSG);
	assert_int_equal(refused("42 (cat) S x 42 42 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 9"), -EBADMSG);
}

/* A folder that looks like /proc to the scan. */
struct procfs {
	char path[64];
};

static void make_folder(const struct procfs *procfs, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", procfs->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_file(const struct procfs *procfs, const char *name, const void *bytes, size_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", procfs->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void make_text(const struct procfs *procfs, const char *name, const char *text)
{
	make_file(procfs, name, text, strlen(text));
}

static void make_procfs(struct procfs *procfs)
{
	static const char filler[600];
	char path[256];

	snprintf(procfs->path, sizeof(procfs->path), "/tmp/test_process_scan.XXXXXX");
	assert_non_null(mkdtemp(procfs->path));
	make_folder(procfs, "42");
	make_text(procfs, "42/stat", "42 (web server)" AFTER_COMM);
	make_text(procfs, "42/status", "Name:\tweb server\nUid:\t33\t34\t35\t36\nGid:\t1\n");
	make_text(procfs, "42/cgroup", "3:cpu:/ignored\n0::/system.slice/web.service\n");
	make_file(procfs, "42/cmdline", "web\0--fast", 11);
	make_file(procfs, "42/environ", "SECRET=1\0DD_ENV=prod\0HOME=/\0DD_SERVICE=shop", 44);
	snprintf(path, sizeof(path), "%s/42/exe", procfs->path);
	assert_int_equal(symlink("/usr/sbin/web", path), 0);
	make_folder(procfs, "43");
	make_text(procfs, "43/stat", "43 (long)" AFTER_COMM);
	make_file(procfs, "43/cmdline", filler, sizeof(filler));
	make_folder(procfs, "44"); /* ended between listing and reading */
	make_folder(procfs, "self");
	make_folder(procfs, "45x");
	make_text(procfs, "uptime", "1 2\n");
}

static void remove_procfs(const struct procfs *procfs)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", procfs->path);
	assert_int_equal(system(command), 0);
}

static Sysprobe__V1__Process *next_alive(const struct process_log *log, uint32_t after)
{
	struct record_log_entry entry;
	Sysprobe__V1__Process *message;

	assert_int_not_equal(process_log_next_alive(log, after, &entry), 0);
	message = sysprobe__v1__process__unpack(NULL, entry.size, entry.bytes);
	assert_non_null(message);
	return message;
}

static struct process_log *scanned_with(bool has_environment, size_t max_processes,
					struct process_scan_losses *ret_losses)
{
	struct process_log *log = process_log_new(10, max_processes);
	struct procfs procfs;

	assert_non_null(log);
	make_procfs(&procfs);
	assert_int_equal(process_scan(procfs.path, has_environment, log, ret_losses), 0);
	remove_procfs(&procfs);
	return log;
}

static struct process_log *scanned(size_t max_processes, uint64_t n_lost)
{
	struct process_scan_losses losses;
	struct process_log *log = scanned_with(true, max_processes, &losses);

	assert_int_equal(losses.n_processes, n_lost);
	return log;
}

static void scan_finds_what_procfs_says_of_a_process(void **state)
{
	struct process_log *log = scanned(10, 0);
	Sysprobe__V1__Process *message = next_alive(log, 0);
	uint64_t ns_per_tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);

	(void)state;
	assert_int_equal(message->tgid, 42);
	assert_int_equal(message->parent_tgid, 17);
	assert_int_equal(message->uid, 33);
	assert_int_equal(message->start_ns, 998877 * ns_per_tick);
	assert_string_equal(message->comm, "web server");
	assert_int_equal(message->executable.len, 13);
	assert_memory_equal(message->executable.data, "/usr/sbin/web", 13);
	assert_int_equal(message->command_line.len, 11);
	assert_memory_equal(message->command_line.data, "web\0--fast", 11);
	assert_false(message->command_line_cut);
	assert_int_equal(message->cgroup_name.len, 11);
	assert_memory_equal(message->cgroup_name.data, "web.service", 11);
	sysprobe__v1__process__free_unpacked(message, NULL);
	process_log_free(log);
}

static void scan_cuts_a_long_command_line_and_says_so(void **state)
{
	struct process_log *log = scanned(10, 0);
	Sysprobe__V1__Process *message = next_alive(log, 42);

	(void)state;
	assert_int_equal(message->tgid, 43);
	assert_int_equal(message->command_line.len, SP_COMMAND_LINE_SIZE);
	assert_true(message->command_line_cut);
	assert_int_equal(message->executable.len, 0);
	sysprobe__v1__process__free_unpacked(message, NULL);
	process_log_free(log);
}

static void scan_takes_the_variables_that_name_a_service(void **state)
{
	struct process_log *log = scanned(10, 0);
	Sysprobe__V1__Process *message = next_alive(log, 0);

	(void)state;
	assert_int_equal(message->n_environment, 2);
	assert_int_equal(message->environment[0].len, 11);
	assert_memory_equal(message->environment[0].data, "DD_ENV=prod", 11);
	assert_int_equal(message->environment[1].len, 15);
	assert_memory_equal(message->environment[1].data, "DD_SERVICE=shop", 15);
	sysprobe__v1__process__free_unpacked(message, NULL);
	process_log_free(log);
}

static void scan_without_environment_reads_none(void **state)
{
	struct process_scan_losses losses;
	struct process_log *log = scanned_with(false, 10, &losses);
	Sysprobe__V1__Process *message = next_alive(log, 0);

	(void)state;
	assert_int_equal(message->n_environment, 0);
	sysprobe__v1__process__free_unpacked(message, NULL);
	process_log_free(log);
}

static void scan_counts_an_environment_that_it_does_not_read_to_its_end(void **state)
{
	static char block[300000]; /* one variable */
	struct process_log *log = process_log_new(10, 10);
	struct process_scan_losses losses;
	struct procfs procfs;

	(void)state;
	make_procfs(&procfs);
	memset(block, 'x', sizeof(block));
	make_file(&procfs, "43/environ", block, sizeof(block));
	assert_int_equal(process_scan(procfs.path, true, log, &losses), 0);
	remove_procfs(&procfs);
	assert_int_equal(losses.n_environments_cut, 1);
	process_log_free(log);
}

static void scan_passes_over_what_is_no_process(void **state)
{
	struct process_log *log = scanned(10, 0);

	(void)state;
	assert_int_equal(process_log_get_stats(log)->n_processes, 2);
	process_log_free(log);
}

static void scan_returns_the_number_that_had_no_room(void **state)
{
	struct process_log *log = scanned(1, 1);

	(void)state;
	assert_int_equal(process_log_get_stats(log)->n_processes, 1);
	process_log_free(log);
}

static void scan_without_procfs_is_an_error(void **state)
{
	struct process_log *log = process_log_new(10, 10);
	struct process_scan_losses losses;

	(void)state;
	assert_int_equal(process_scan("/nonexistent/proc", true, log, &losses), -ENOENT);
	process_log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_line_gives_its_fields),
		cmocka_unit_test(comm_may_hold_spaces_and_parentheses),
		cmocka_unit_test(kernel_thread_with_a_long_name_is_taken_whole),
		cmocka_unit_test(name_of_64_characters_is_refused),
		cmocka_unit_test(broken_lines_are_refused),
		cmocka_unit_test(scan_finds_what_procfs_says_of_a_process),
		cmocka_unit_test(scan_cuts_a_long_command_line_and_says_so),
		cmocka_unit_test(scan_takes_the_variables_that_name_a_service),
		cmocka_unit_test(scan_without_environment_reads_none),
		cmocka_unit_test(scan_counts_an_environment_that_it_does_not_read_to_its_end),
		cmocka_unit_test(scan_passes_over_what_is_no_process),
		cmocka_unit_test(scan_returns_the_number_that_had_no_room),
		cmocka_unit_test(scan_without_procfs_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
