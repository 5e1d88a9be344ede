/* SPDX-License-Identifier: Apache-2.0 */
#include "iterator.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A pipe of packets stands for the iterator's file: each write is one read. */
struct fixture {
	int write_fd;
	int read_fd;
	struct iterator iterator;
};

struct record {
	uint32_t number;
	uint8_t filler[156]; /* together as large as struct sp_connection */
};

static void setup(struct fixture *fixture, size_t record_size)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_DIRECT), 0);
	fixture->read_fd = fds[0];
	fixture->write_fd = fds[1];
	iterator_init(&fixture->iterator, fds[0], record_size);
}

static void teardown(struct fixture *fixture)
{
	close(fixture->read_fd);
	if (fixture->write_fd >= 0)
		close(fixture->write_fd);
}

static void put(struct fixture *fixture, const void *bytes, size_t size)
{
	assert_int_equal(write(fixture->write_fd, bytes, size), size);
}

static void put_end(struct fixture *fixture)
{
	close(fixture->write_fd);
	fixture->write_fd = -1;
}

static void assert_next(struct fixture *fixture, const char *records, int n)
{
	const void *found;

	assert_int_equal(iterator_read(&fixture->iterator, &found), n);
	assert_memory_equal(found, records, (size_t)n * fixture->iterator.record_size);
}

static int read_next(struct fixture *fixture)
{
	const void *found;

	return iterator_read(&fixture->iterator, &found);
}

static void whole_records_come_as_they_are(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture, 4);
	put(&fixture, "aaaabbbb", 8);
	put_end(&fixture);
	assert_next(&fixture, "aaaabbbb", 2);
	assert_int_equal(read_next(&fixture), 0);
	teardown(&fixture);
}

static void record_split_over_two_reads_is_put_together(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture, 4);
	put(&fixture, "aaaabb", 6);
	assert_next(&fixture, "aaaa", 1);
	put(&fixture, "bbcccc", 6);
	assert_next(&fixture, "bbbbcccc", 2);
	put_end(&fixture);
	assert_int_equal(read_next(&fixture), 0);
	teardown(&fixture);
}

static void record_in_single_bytes_is_put_together(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture, 4);
	for (const char *byte = "abcdefgh"; *byte; byte++)
		put(&fixture, byte, 1);
	put_end(&fixture);
	assert_next(&fixture, "abcd", 1);
	assert_next(&fixture, "efgh", 1);
	assert_int_equal(read_next(&fixture), 0);
	teardown(&fixture);
}

static void end_inside_a_record_is_eproto(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture, 4);
	put(&fixture, "aaaabb", 6);
	put_end(&fixture);
	assert_next(&fixture, "aaaa", 1);
	assert_int_equal(read_next(&fixture), -EPROTO);
	teardown(&fixture);
}

static void empty_file_is_at_its_end(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture, 4);
	put_end(&fixture);
	assert_int_equal(read_next(&fixture), 0);
	assert_int_equal(read_next(&fixture), 0);
	teardown(&fixture);
}

static void no_file_is_at_its_end(void **state)
{
	struct iterator iterator;
	const void *found;

	(void)state;
	iterator_init(&iterator, -1, 4);
	assert_int_equal(iterator_read(&iterator, &found), 0);
}

static void error_of_read_is_passed_on(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture, 4);
	fixture.iterator.fd = fixture.write_fd;
	assert_int_equal(read_next(&fixture), -EBADF);
	teardown(&fixture);
}

static void write_records(int fd, uint32_t n)
{
	struct record record = { 0 };

	for (record.number = 0; record.number < n; record.number++)
		if (write(fd, &record, sizeof(record)) != (ssize_t)sizeof(record))
			_exit(1);
	_exit(0);
}

#define N_MANY 5000

/* 32,768 is no multiple of 160: reads end inside records all the time. */
static void many_records_come_once_each_and_in_order(void **state)
{
	struct fixture fixture;
	const void *found;
	uint32_t n = 0;
	pid_t writer;
	int r;

	(void)state;
	setup(&fixture, sizeof(struct record));
	assert_int_equal(fcntl(fixture.write_fd, F_SETFL, 0), 0); /* no packets: a stream */
	writer = fork();
	if (writer == 0)
		write_records(fixture.write_fd, N_MANY);
	put_end(&fixture);
	while ((r = iterator_read(&fixture.iterator, &found)) > 0)
		for (int i = 0; i < r; i++)
			assert_int_equal(((const struct record *)found)[i].number, n++);
	assert_int_equal(r, 0);
	assert_int_equal(n, N_MANY);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	teardown(&fixture);
}

static void used_again_iterator_begins_afresh(void **state)
{
	struct fixture first, second;

	(void)state;
	setup(&first, 4);
	put(&first, "aaaabb", 6);
	assert_next(&first, "aaaa", 1);
	setup(&second, 4);
	iterator_init(&first.iterator, second.read_fd, 4);
	put(&second, "cccc", 4);
	assert_next(&first, "cccc", 1);
	teardown(&second);
	teardown(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_records_come_as_they_are),
		cmocka_unit_test(record_split_over_two_reads_is_put_together),
		cmocka_unit_test(record_in_single_bytes_is_put_together),
		cmocka_unit_test(end_inside_a_record_is_eproto),
		cmocka_unit_test(empty_file_is_at_its_end),
		cmocka_unit_test(no_file_is_at_its_end),
		cmocka_unit_test(error_of_read_is_passed_on),
		cmocka_unit_test(many_records_come_once_each_and_in_order),
		cmocka_unit_test(used_again_iterator_begins_afresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
