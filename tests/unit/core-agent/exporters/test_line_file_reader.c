/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define N_BYTES (16 * 1024 * 1024) /* twice what may wait */
#define MAX_LINE 50000

/* A reader at the other end of standard output. */
struct fixture {
	int reader;
	int saved;
	struct line_file *file;
	size_t line_size; /* of the one that is being read */
	size_t wanted_size;
	uint64_t n_whole;
	uint64_t n_other;
};

static void replace_stdout(struct fixture *fixture, const int fds[2])
{
	fixture->reader = fds[0];
	fflush(stdout);
	fixture->saved = dup(STDOUT_FILENO);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	assert_int_equal(line_file_open("-", &fixture->file), 0);
}

static void restore_stdout(struct fixture *fixture)
{
	if (fixture->saved < 0)
		return;
	dup2(fixture->saved, STDOUT_FILENO);
	close(fixture->saved);
	fixture->saved = -1;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	signal(SIGPIPE, SIG_IGN);
	fixture->reader = fixture->saved = -1;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	restore_stdout(fixture);
	if (fixture->reader >= 0)
		close(fixture->reader);
	line_file_free(fixture->file);
	free(fixture);
	return 0;
}

static uint64_t add_lines(struct fixture *fixture, size_t size)
{
	static char line[MAX_LINE];
	uint64_t n = N_BYTES / size;

	memset(line, 'x', size);
	fixture->wanted_size = size;
	for (uint64_t i = 0; i < n; i++)
		(void)line_file_add(fixture->file, line, size);
	return n;
}

static void look_at(struct fixture *fixture, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		bool is_end = bytes[i] == '\n';

		fixture->n_whole += is_end && fixture->line_size == fixture->wanted_size;
		fixture->n_other += is_end ? fixture->line_size != fixture->wanted_size
					   : bytes[i] != 'x';
		fixture->line_size = is_end ? 0 : fixture->line_size + 1;
	}
}

static bool read_some(struct fixture *fixture)
{
	char bytes[65536];
	ssize_t n = read(fixture->reader, bytes, sizeof(bytes));

	if (n > 0)
		look_at(fixture, bytes, (size_t)n);
	return n > 0;
}

/* The reader is back: it reads what is there, and what comes then, until all went out. */
static void read_all(struct fixture *fixture)
{
	fcntl(fixture->reader, F_SETFL, O_NONBLOCK);
	do {
		while (read_some(fixture))
			;
		(void)line_file_flush(fixture->file);
	} while (line_file_is_waiting(fixture->file));
	while (read_some(fixture))
		;
}

static void check_stalled_reader(struct fixture *fixture, const int fds[2], size_t line_size)
{
	const struct line_file_stats *stats;
	uint64_t n, n_dropped;

	replace_stdout(fixture, fds);
	stats = line_file_get_stats(fixture->file);
	n = add_lines(fixture, line_size);
	n_dropped = stats->n_dropped;
	read_all(fixture);
	(void)line_file_add(fixture->file, "x", 1); /* there is room for new ones */
	restore_stdout(fixture);
	assert_in_range(n_dropped, 1, n - LINE_FILE_MAX_BYTES / (line_size + 1));
	assert_int_equal(stats->n_dropped, n_dropped);
	assert_int_equal(stats->n_written, n - n_dropped);
	assert_int_equal(fixture->n_whole, n - n_dropped);
	assert_int_equal(fixture->n_other, 0);
	assert_int_equal(stats->n_errors, 0);
}

static void reader_of_a_pipe_that_stalled_gets_whole_lines(void **state)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	check_stalled_reader(*state, fds, 700);
}

static void reader_of_a_pipe_that_stalled_gets_whole_long_lines(void **state)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	check_stalled_reader(*state, fds, MAX_LINE);
}

static void reader_of_a_socket_that_stalled_gets_whole_lines(void **state)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_stalled_reader(*state, fds, 700);
}

static void reader_of_a_terminal_that_stalled_gets_whole_lines(void **state)
{
	struct termios raw;
	int fds[2];

	cfmakeraw(&raw);
	raw.c_oflag = OPOST; /* as in use: written bit by bit, and sleeping in between */
	assert_int_equal(openpty(&fds[0], &fds[1], NULL, &raw, NULL), 0);
	check_stalled_reader(*state, fds, 700);
}

static void pipe_has_no_half_line_when_nobody_read_before_the_end(void **state)
{
	struct fixture *fixture = *state;
	uint64_t n, n_lost;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	replace_stdout(fixture, fds);
	n = add_lines(fixture, 700);
	n_lost = line_file_end(fixture->file);
	restore_stdout(fixture);
	while (read_some(fixture))
		;
	assert_true(n_lost > 0);
	assert_true(fixture->n_whole > 0);
	assert_int_equal(fixture->n_other + fixture->line_size, 0);
	assert_int_equal(line_file_get_stats(fixture->file)->n_dropped, n - fixture->n_whole);
}

/* The reader takes its time before it reads at all. */
static void *read_late(void *context)
{
	usleep(300000);
	while (read_some(context))
		;
	return NULL;
}

static void reader_that_is_slow_loses_no_line(void **state)
{
	struct fixture *fixture = *state;
	pthread_t thread;
	uint64_t n, n_lost;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	replace_stdout(fixture, fds);
	assert_int_equal(pthread_create(&thread, NULL, read_late, fixture), 0);
	n = add_lines(fixture, 700);
	n_lost = line_file_end(fixture->file);
	restore_stdout(fixture);
	pthread_join(thread, NULL);
	assert_int_equal(n_lost, 0);
	assert_int_equal(line_file_get_stats(fixture->file)->n_dropped, 0);
	assert_int_equal(fixture->n_whole, n);
}

/* The shell, and whatever else writes there, has the same one. */
static void open_file_description_is_left_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	int fds[2], flags_before, flags;

	assert_int_equal(pipe(fds), 0);
	flags_before = fcntl(fds[1], F_GETFL);
	replace_stdout(fixture, fds);
	(void)line_file_add(fixture->file, "x", 1);
	(void)line_file_flush(fixture->file);
	flags = fcntl(STDOUT_FILENO, F_GETFL);
	restore_stdout(fixture);
	assert_int_equal(flags, flags_before);
}

static void fifo_that_nobody_reads_is_refused(void **state)
{
	char folder[] = "/tmp/test-fifo-XXXXXX", path[64];
	struct line_file *file = NULL;
	int r;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	r = line_file_open(path, &file);
	unlink(path);
	rmdir(folder);
	assert_int_equal(r, -ENXIO);
	assert_null(file);
}

static void fifo_without_reader_at_reopen_leaves_the_old_file(void **state)
{
	char folder[] = "/tmp/test-fifo-XXXXXX", path[64], bytes[8] = "";
	struct line_file *file;
	int r, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/lines", folder);
	assert_int_equal(line_file_open(path, &file), 0);
	fd = open(path, O_RDONLY);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	r = line_file_reopen(file);
	unlink(path);
	rmdir(folder);
	assert_int_equal(r, -ENXIO);
	(void)line_file_add(file, "x", 1);
	assert_int_equal(line_file_flush(file), 0);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 2);
	line_file_free(file);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reader_of_a_pipe_that_stalled_gets_whole_lines),
		TEST(reader_of_a_pipe_that_stalled_gets_whole_long_lines),
		TEST(reader_of_a_socket_that_stalled_gets_whole_lines),
		TEST(reader_of_a_terminal_that_stalled_gets_whole_lines),
		TEST(pipe_has_no_half_line_when_nobody_read_before_the_end),
		TEST(reader_that_is_slow_loses_no_line),
		TEST(open_file_description_is_left_as_it_was),
		TEST(fifo_that_nobody_reads_is_refused),
		TEST(fifo_without_reader_at_reopen_leaves_the_old_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
