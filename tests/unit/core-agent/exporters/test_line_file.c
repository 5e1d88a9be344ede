/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[40];
	char path[64];
	char content[400000];
	struct line_file *file;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	strcpy(fixture->folder, "/tmp/test-lines-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/lines", fixture->folder);
	*state = fixture;
	return line_file_open(fixture->path, &fixture->file);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	line_file_free(fixture->file);
	unlink(fixture->path);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static const char *content(struct fixture *fixture)
{
	FILE *file = fopen(fixture->path, "r");
	size_t n = fread(fixture->content, 1, sizeof(fixture->content) - 1, file);

	fixture->content[n] = '\0';
	fclose(file);
	return fixture->content;
}

static int add(struct fixture *fixture, const char *line)
{
	return line_file_add(fixture->file, line, strlen(line));
}

static void limit_file_size(rlim_t n_bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = n_bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void lines_are_written_at_the_flush(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add(fixture, "one"), 0);
	assert_int_equal(add(fixture, "two"), 0);
	assert_string_equal(content(fixture), "");
	assert_int_equal(line_file_flush(fixture->file), 0);
	assert_string_equal(content(fixture), "one\ntwo\n");
	assert_int_equal(line_file_get_stats(fixture->file)->n_written, 2);
}

static void full_buffer_is_written_by_itself(void **state)
{
	struct fixture *fixture = *state;
	char line[1001];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		assert_int_equal(add(fixture, line), 0);
	assert_int_equal(strlen(content(fixture)), 65 * 1001);
	assert_int_equal(line_file_flush(fixture->file), 0);
	assert_int_equal(strlen(content(fixture)), 100 * 1001);
}

static void line_longer_than_the_buffer_is_dropped(void **state)
{
	struct fixture *fixture = *state;
	static char line[65537];

	memset(line, 'x', sizeof(line) - 1);
	assert_int_equal(add(fixture, line), -E2BIG);
	assert_int_equal(line_file_flush(fixture->file), 0);
	assert_string_equal(content(fixture), "");
	assert_int_equal(line_file_get_stats(fixture->file)->n_dropped, 1);
}

static void full_disk_leaves_whole_lines_only(void **state)
{
	struct fixture *fixture = *state;
	int r;

	add(fixture, "0123456");
	add(fixture, "0123456");
	add(fixture, "0123456");
	limit_file_size(20);
	r = line_file_flush(fixture->file);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(r, -EFBIG);
	assert_string_equal(content(fixture), "0123456\n0123456\n");
	assert_int_equal(line_file_get_stats(fixture->file)->n_written, 2);
	assert_int_equal(line_file_get_stats(fixture->file)->n_dropped, 1);
	assert_int_equal(line_file_get_stats(fixture->file)->n_errors, 1);
}

static void lines_go_on_after_a_full_disk(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, "lost");
	limit_file_size(2);
	assert_true(line_file_flush(fixture->file) < 0);
	limit_file_size(RLIM_INFINITY);
	add(fixture, "kept");
	assert_int_equal(line_file_flush(fixture->file), 0);
	assert_string_equal(content(fixture), "kept\n");
}

/* As a shell's `>` opens it: without O_APPEND. */
static void lines_go_on_after_a_full_disk_on_redirected_output(void **state)
{
	struct fixture *fixture = *state;
	int fd = open(fixture->path, O_WRONLY), saved = dup(STDOUT_FILENO);
	struct line_file *file;

	assert_true(fd >= 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	assert_int_equal(line_file_open("-", &file), 0);
	line_file_add(file, "one", 3);
	line_file_add(file, "lost", 4);
	limit_file_size(6);
	assert_int_equal(line_file_flush(file), -EFBIG);
	limit_file_size(RLIM_INFINITY);
	line_file_add(file, "kept", 4);
	assert_int_equal(line_file_flush(file), 0);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fd);
	line_file_free(file);
	assert_memory_equal(content(fixture), "one\nkept\n", sizeof("one\nkept\n"));
}

static void pipe_whose_reader_has_gone_is_told(void **state)
{
	int fds[2], saved = dup(STDOUT_FILENO), r;
	struct line_file *file;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(line_file_open("-", &file), 0);
	line_file_add(file, "x", 1);
	fflush(stdout);
	dup2(fds[1], STDOUT_FILENO);
	r = line_file_flush(file);
	dup2(saved, STDOUT_FILENO);
	close(fds[1]);
	close(saved);
	line_file_free(file);
	assert_int_equal(r, -EPIPE);
}

static void reopened_file_is_the_new_one_of_that_name(void **state)
{
	struct fixture *fixture = *state;
	char old[80];

	(void)snprintf(old, sizeof(old), "%s.old", fixture->path);
	add(fixture, "one");
	line_file_flush(fixture->file);
	assert_int_equal(rename(fixture->path, old), 0);
	assert_int_equal(line_file_reopen(fixture->file), 0);
	unlink(old);
	add(fixture, "two");
	line_file_flush(fixture->file);
	assert_string_equal(content(fixture), "two\n");
}

static void reopen_that_fails_keeps_the_old_file(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	assert_int_equal(line_file_reopen(fixture->file), -EISDIR);
	add(fixture, "one");
	assert_int_equal(line_file_flush(fixture->file), 0);
	assert_int_equal(rmdir(fixture->path), 0);
}

static void file_is_appended_to_and_not_for_everyone(void **state)
{
	struct fixture *fixture = *state;
	struct line_file *again;
	struct stat status;

	add(fixture, "one");
	line_file_flush(fixture->file);
	assert_int_equal(line_file_open(fixture->path, &again), 0);
	line_file_add(again, "two", 3);
	line_file_flush(again);
	line_file_free(again);
	assert_string_equal(content(fixture), "one\ntwo\n");
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 07, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_are_written_at_the_flush),
		TEST(full_buffer_is_written_by_itself),
		TEST(line_longer_than_the_buffer_is_dropped),
		TEST(full_disk_leaves_whole_lines_only),
		TEST(lines_go_on_after_a_full_disk),
		TEST(lines_go_on_after_a_full_disk_on_redirected_output),
		TEST(pipe_whose_reader_has_gone_is_told),
		TEST(reopened_file_is_the_new_one_of_that_name),
		TEST(reopen_that_fails_keeps_the_old_file),
		TEST(file_is_appended_to_and_not_for_everyone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
