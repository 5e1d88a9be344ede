/* SPDX-License-Identifier: Apache-2.0 */
/* The program that is run is this one: act() is what its commands do. */
#include "api/own_command.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "server/response.h"

#define DEADLINE_MS 20000
#define SHORT_MS 20

struct fixture {
	struct own_command_host host;
	struct response_source *source;
	struct evbuffer *out;
	bool is_awake;
};

static int act(const char *command)
{
	if (strcmp(command, "say") == 0)
		return puts("said") < 0;
	if (strcmp(command, "fail") == 0)
		return 3;
	(void)fork(); /* what it starts hangs too, and holds its standard output */
	pause();
	return 0;
}

static void wake(void *context)
{
	((struct fixture *)context)->is_awake = true;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	log_set_level(LOG_LEVEL_ERROR);
	*state = fixture;
	fixture->host.base = event_base_new();
	fixture->out = evbuffer_new();
	return fixture->out ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->source)
		fixture->source->free(fixture->source);
	event_base_free(fixture->host.base);
	evbuffer_free(fixture->out);
	free(fixture);
	return 0;
}

static int run(struct fixture *fixture, const char *name, unsigned int deadline_ms,
	       int max_exit_code, struct response_source **ret)
{
	const char *const arguments[] = {name, NULL};
	const struct own_command command = {arguments, deadline_ms, max_exit_code};
	int r = own_command_new(&fixture->host, &command, ret);

	if (r == 0) {
		(*ret)->wake = wake;
		(*ret)->wake_context = fixture;
	}
	return r;
}

/* To its end: 0, or the error that cuts the answer. */
static int drain(struct fixture *fixture)
{
	int r;

	while ((r = fixture->source->next(fixture->source, fixture->out)) == 1 || r == -EAGAIN) {
		fixture->is_awake = r == 1;
		while (!fixture->is_awake)
			event_base_loop(fixture->host.base, EVLOOP_ONCE);
	}
	return r;
}

static void output_is_the_answer(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, "say", DEADLINE_MS, 0, &fixture->source), 0);
	assert_int_equal(drain(fixture), 0);
	assert_int_equal(evbuffer_get_length(fixture->out), strlen("said\n"));
	assert_memory_equal(evbuffer_pullup(fixture->out, -1), "said\n", strlen("said\n"));
}

static void exit_code_beyond_the_expected_cuts_the_answer(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, "fail", DEADLINE_MS, 2, &fixture->source), 0);
	assert_int_equal(drain(fixture), -EIO);
	assert_int_equal(fixture->host.n_failed, 1);
}

static void expected_exit_code_is_a_good_end(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, "fail", DEADLINE_MS, 3, &fixture->source), 0);
	assert_int_equal(drain(fixture), 0);
}

static void command_that_hangs_is_ended_with_all_it_started(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, "hang", SHORT_MS, 0, &fixture->source), 0);
	assert_int_equal(drain(fixture), -EIO);
	assert_int_equal(fixture->host.n_failed, 1);
}

static void second_command_is_refused_until_the_first_has_gone(void **state)
{
	struct fixture *fixture = *state;
	struct response_source *second = NULL;

	assert_int_equal(run(fixture, "hang", DEADLINE_MS, 0, &fixture->source), 0);
	assert_int_equal(run(fixture, "say", DEADLINE_MS, 0, &second), -EBUSY);
	assert_int_equal(fixture->host.n_refused, 1);
	fixture->source->free(fixture->source);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and its child is reaped */
	assert_int_equal(run(fixture, "say", DEADLINE_MS, 0, &fixture->source), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		TEST(output_is_the_answer),
		TEST(exit_code_beyond_the_expected_cuts_the_answer),
		TEST(expected_exit_code_is_a_good_end),
		TEST(command_that_hangs_is_ended_with_all_it_started),
		TEST(second_command_is_refused_until_the_first_has_gone),
	};

	if (argc > 1)
		return act(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
