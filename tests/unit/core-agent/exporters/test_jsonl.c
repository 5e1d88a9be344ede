/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/exporter_classes.h"

#include "exporter_fixture.h"

#include <errno.h>
#include <signal.h>

static void interval_is_in_the_file_at_its_end(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = jsonl_exporter.new(&fixture->settings, fixture->base);
	const struct overflow overflow = {.cause = "ring_full", .n_connections = 1};
	struct connection connection = a_connection(77);
	const char *text;

	assert_int_equal(jsonl_exporter.begin(exporter, &an_interval), 0);
	assert_int_equal(jsonl_exporter.connection(exporter, &connection), 0);
	assert_int_equal(jsonl_exporter.overflow(exporter, &overflow), 0);
	assert_string_equal(read_file(fixture, fixture->lines_path), "");
	assert_int_equal(jsonl_exporter.end(exporter, false), 0);
	text = read_file(fixture, fixture->lines_path);
	assert_non_null(strstr(text, "\"id\":77"));
	assert_non_null(strstr(text, "}\n{"));
	assert_non_null(strstr(text, "ring_full"));
	assert_int_equal(jsonl_exporter.stats(exporter)->n_connections, 1);
	assert_int_equal(jsonl_exporter.stats(exporter)->n_delivered, 2);
	jsonl_exporter.free(exporter);
}

static void file_is_opened_anew_at_sighup(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = jsonl_exporter.new(&fixture->settings, fixture->base);
	struct connection connection = a_connection(77);

	assert_int_equal(unlink(fixture->lines_path), 0);
	raise(SIGHUP);
	event_base_loop(fixture->base, EVLOOP_ONCE);
	jsonl_exporter.begin(exporter, &an_interval);
	jsonl_exporter.connection(exporter, &connection);
	assert_int_equal(jsonl_exporter.end(exporter, false), 0);
	assert_non_null(strstr(read_file(fixture, fixture->lines_path), "\"id\":77"));
	jsonl_exporter.free(exporter);
}

static void full_device_is_an_error_until_it_works(void **state)
{
	struct fixture *fixture = *state;
	struct connection connection = a_connection(77);
	struct exporter *exporter;

	fixture->settings.jsonl_path = "/dev/full";
	exporter = jsonl_exporter.new(&fixture->settings, fixture->base);
	jsonl_exporter.begin(exporter, &an_interval);
	jsonl_exporter.connection(exporter, &connection);
	assert_int_equal(jsonl_exporter.end(exporter, false), -ENOSPC);
	assert_int_equal(jsonl_exporter.stats(exporter)->n_dropped, 1);
	jsonl_exporter.begin(exporter, &an_interval);
	assert_int_equal(jsonl_exporter.end(exporter, false), 0);
	jsonl_exporter.free(exporter);
}

/* More lines than a pipe holds; the loop writes the rest as they are read. */
static void lines_that_wait_go_out_without_another_interval(void **state)
{
	struct fixture *fixture = *state;
	struct connection connection = a_connection(77);
	int fds[2], saved = dup(STDOUT_FILENO);
	const struct exporter_stats *stats;
	struct exporter *exporter;
	uint64_t n_at_end;
	char bytes[65536];

	assert_int_equal(pipe(fds), 0);
	fflush(stdout);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	fixture->settings.jsonl_path = "-";
	exporter = jsonl_exporter.new(&fixture->settings, fixture->base);
	stats = jsonl_exporter.stats(exporter);
	jsonl_exporter.begin(exporter, &an_interval);
	for (int i = 0; i < 2000; i++)
		jsonl_exporter.connection(exporter, &connection);
	jsonl_exporter.end(exporter, false);
	n_at_end = stats->n_delivered;
	while (stats->n_delivered < 2000 && read(fds[0], bytes, sizeof(bytes)) > 0)
		event_base_loop(fixture->base, EVLOOP_NONBLOCK);
	jsonl_exporter.free(exporter);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fds[0]);
	assert_in_range(n_at_end, 1, 1999);
}

static void path_that_cannot_be_opened_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->settings.jsonl_path = "/nonexistent/lines";
	errno = 0;
	assert_null(jsonl_exporter.new(&fixture->settings, fixture->base));
	assert_int_equal(errno, ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interval_is_in_the_file_at_its_end),
		TEST(file_is_opened_anew_at_sighup),
		TEST(full_device_is_an_error_until_it_works),
		TEST(lines_that_wait_go_out_without_another_interval),
		TEST(path_that_cannot_be_opened_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
