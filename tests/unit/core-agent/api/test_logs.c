/* SPDX-License-Identifier: Apache-2.0 */
#include "api/logs.h"

#include <event2/buffer.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "server/response.h"

/* 64 lines of 1,024 bytes: what a stream and the hub have room for. */
#define N_FIT 64
#define LINE_BYTES 1024
#define BEFORE_BYTES (sizeof("2026-01-01T00:00:00Z info old x=\n") - 1)
#define FILLING_BYTES (LINE_BYTES - BEFORE_BYTES)

struct fixture {
	struct log_stream_hub *hub;
	struct response_source *stream;
	struct evbuffer *out;
	int stderr_fd;
};

/* Lines go to standard error too: not in a test's output. */
static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	*state = fixture;
	unsetenv("JOURNAL_STREAM");
	fixture->hub = log_stream_hub_new();
	fixture->stream = log_stream_new(fixture->hub);
	fixture->out = evbuffer_new();
	fixture->stderr_fd = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	dup2(fixture->stderr_fd, STDERR_FILENO);
	close(fixture->stderr_fd);
	fixture->stream->free(fixture->stream);
	log_stream_hub_free(fixture->hub);
	evbuffer_free(fixture->out);
	free(fixture);
	return 0;
}

/* `word` has three letters. */
static void write_lines(const char *word, int n)
{
	char filling[FILLING_BYTES + 1];

	memset(filling, 'x', FILLING_BYTES);
	filling[FILLING_BYTES] = '\0';
	for (int i = 0; i < n; i++)
		log_info(word, "x=%s", filling);
}

static const char *text_of(struct evbuffer *buffer)
{
	evbuffer_add(buffer, "", 1);
	return (const char *)evbuffer_pullup(buffer, -1);
}

static void a_stream_has_the_lines_since_its_last_piece(void **state)
{
	struct fixture *fixture = *state;

	write_lines("old", 2);
	assert_int_equal(fixture->stream->next(fixture->stream, fixture->out), 1);
	assert_int_equal(evbuffer_get_length(fixture->out), 2 * LINE_BYTES);
	evbuffer_drain(fixture->out, 2 * LINE_BYTES);
	write_lines("new", 1);
	assert_int_equal(fixture->stream->next(fixture->stream, fixture->out), 1);
	assert_null(strstr(text_of(fixture->out), "old"));
}

static void lines_that_a_stream_has_no_room_for_are_told_by_number(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	write_lines("old", N_FIT);
	write_lines("new", 6);
	assert_int_equal(fixture->stream->next(fixture->stream, fixture->out), 1);
	text = text_of(fixture->out);
	assert_int_equal(strncmp(text, "(6 lines left out", strlen("(6 lines left out")), 0);
	assert_null(strstr(text, "new"));
	assert_int_equal(strlen(strchr(text, '\n') + 1), N_FIT * LINE_BYTES);
}

static void the_oldest_of_the_recent_lines_go_first(void **state)
{
	struct fixture *fixture = *state;

	write_lines("old", 6);
	write_lines("new", N_FIT);
	assert_int_equal(log_stream_hub_copy(fixture->hub, fixture->out), 0);
	assert_int_equal(evbuffer_get_length(fixture->out), N_FIT * LINE_BYTES);
	assert_null(strstr(text_of(fixture->out), "old"));
}

static void a_fifth_stream_is_refused_until_one_ends(void **state)
{
	struct fixture *fixture = *state;
	struct response_source *more[3];

	for (size_t i = 0; i < 3; i++)
		assert_non_null(more[i] = log_stream_new(fixture->hub));
	assert_null(log_stream_new(fixture->hub));
	more[0]->free(more[0]);
	assert_non_null(more[0] = log_stream_new(fixture->hub));
	for (size_t i = 0; i < 3; i++)
		more[i]->free(more[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_stream_has_the_lines_since_its_last_piece),
		TEST(lines_that_a_stream_has_no_room_for_are_told_by_number),
		TEST(the_oldest_of_the_recent_lines_go_first),
		TEST(a_fifth_stream_is_refused_until_one_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
