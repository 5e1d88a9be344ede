/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server is libevent's, on the same event loop as the client: whatever
 * blocks the loop never gets its answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/curl_loop.h"

#define SOCKET_NAME "curl_loop_test.sock"

struct fixture {
	struct event_base *base;
	struct evhttp *server;
	struct curl_loop *loop;
	struct evhttp_request *held; /* a request that the server has not answered */
	int unix_fd;
	char url[64];
	char body[64];
	size_t body_size;
	int n_done;
	CURLcode result;
	CURL *next; /* started from within done */
};

static void answer(struct evhttp_request *request, void *context)
{
	struct evbuffer *body = evhttp_request_get_output_buffer(request);

	(void)context;
	evbuffer_add_printf(body, "hello");
	evhttp_send_reply(request, 200, "OK", NULL);
}

static void hold(struct evhttp_request *request, void *context)
{
	struct fixture *fixture = context;

	fixture->held = request;
	event_base_loopbreak(fixture->base);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct fixture *fixture = context;

	if (fixture->body_size + size * n > sizeof(fixture->body))
		return 0;
	memcpy(fixture->body + fixture->body_size, bytes, size * n);
	fixture->body_size += size * n;
	return n;
}

static void on_done(CURL *easy, CURLcode result, void *context)
{
	struct fixture *fixture = context;

	(void)easy;
	fixture->n_done++;
	fixture->result = result;
	if (fixture->next) {
		CURL *next = fixture->next;

		fixture->next = NULL;
		assert_int_equal(curl_loop_start(fixture->loop, next, on_done, fixture), 0);
		return;
	}
	event_base_loopbreak(fixture->base);
}

static CURL *request(struct fixture *fixture, const char *path)
{
	CURL *easy = curl_easy_init();
	char url[128];

	assert_non_null(easy);
	snprintf(url, sizeof(url), "%s%s", fixture->url, path);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, 10L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, fixture);
	return easy;
}

/* Run the loop until something breaks it, or for `ms`. */
static void run_for(struct fixture *fixture, int ms)
{
	struct timeval limit = {ms / 1000, ms % 1000 * 1000};

	event_base_loopexit(fixture->base, &limit);
	event_base_dispatch(fixture->base);
}

static int listen_unix(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_NAME};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	unlink(SOCKET_NAME);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static uint16_t listen_loopback(struct evhttp *server)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	struct evhttp_bound_socket *bound =
		evhttp_bind_socket_with_handle(server, "127.0.0.1", 0);

	assert_non_null(bound);
	getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){.base = event_base_new()};
	fixture.server = evhttp_new(fixture.base);
	fixture.unix_fd = listen_unix();
	evhttp_accept_socket(fixture.server, fixture.unix_fd);
	snprintf(fixture.url, sizeof(fixture.url), "http://127.0.0.1:%u",
		 listen_loopback(fixture.server));
	evhttp_set_cb(fixture.server, "/hello", answer, &fixture);
	evhttp_set_cb(fixture.server, "/hold", hold, &fixture);
	fixture.loop = curl_loop_new(fixture.base);
	*state = &fixture;
	return fixture.loop ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	curl_loop_free(fixture->loop);
	evhttp_free(fixture->server);
	event_base_free(fixture->base);
	unlink(SOCKET_NAME);
	return 0;
}

static void response_arrives_over_loopback(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy = request(fixture, "/hello");

	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), 0);
	run_for(fixture, 5000);

	assert_int_equal(fixture->n_done, 1);
	assert_int_equal(fixture->result, CURLE_OK);
	assert_int_equal(fixture->body_size, 5);
	assert_memory_equal(fixture->body, "hello", 5);
	curl_easy_cleanup(easy);
}

static void response_arrives_over_unix_socket(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy = request(fixture, "/hello");

	curl_easy_setopt(easy, CURLOPT_URL, "http://probe/hello");
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, SOCKET_NAME);
	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), 0);
	run_for(fixture, 5000);

	assert_int_equal(fixture->result, CURLE_OK);
	assert_memory_equal(fixture->body, "hello", 5);
	curl_easy_cleanup(easy);
}

static void done_may_start_the_next_transfer(void **state)
{
	struct fixture *fixture = *state;
	CURL *first = request(fixture, "/hello");
	CURL *second = request(fixture, "/hello");

	fixture->next = second;
	assert_int_equal(curl_loop_start(fixture->loop, first, on_done, fixture), 0);
	run_for(fixture, 5000);

	assert_int_equal(fixture->n_done, 2);
	assert_int_equal(fixture->body_size, 10);
	curl_easy_cleanup(first);
	curl_easy_cleanup(second);
}

static void done_may_start_the_same_handle_again(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy = request(fixture, "/hello");

	fixture->next = easy;
	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), 0);
	run_for(fixture, 5000);

	assert_int_equal(fixture->n_done, 2);
	curl_easy_cleanup(easy);
}

static void refused_connection_is_reported_as_such(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy = request(fixture, "/hello");

	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, "no_such.sock");
	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), 0);
	run_for(fixture, 5000);

	assert_int_equal(fixture->n_done, 1);
	assert_int_equal(fixture->result, CURLE_COULDNT_CONNECT);
	curl_easy_cleanup(easy);
}

static void handle_timeout_ends_a_silent_server(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy = request(fixture, "/hold");

	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 100L);
	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), 0);
	run_for(fixture, 5000); /* until the server has the request */
	run_for(fixture, 5000); /* until the time is over */

	assert_non_null(fixture->held);
	assert_int_equal(fixture->result, CURLE_OPERATION_TIMEDOUT);
	curl_easy_cleanup(easy);
}

static void cancelled_transfer_never_reports(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy = request(fixture, "/hold");

	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), 0);
	run_for(fixture, 5000);
	curl_loop_cancel(fixture->loop, easy);
	answer(fixture->held, NULL);
	run_for(fixture, 100);

	assert_int_equal(fixture->n_done, 0);
	curl_easy_cleanup(easy);
}

static void free_ends_running_transfers_silently(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy = request(fixture, "/hold");

	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), 0);
	run_for(fixture, 5000);
	curl_loop_free(fixture->loop);
	fixture->loop = NULL;
	run_for(fixture, 100);

	assert_int_equal(fixture->n_done, 0);
	curl_easy_cleanup(easy);
}

static void running_handle_cannot_be_started_twice(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy = request(fixture, "/hello");

	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), 0);
	assert_int_equal(curl_loop_start(fixture->loop, easy, on_done, fixture), -EBUSY);
	curl_loop_cancel(fixture->loop, easy);
	curl_easy_cleanup(easy);
}

static void transfer_over_the_maximum_is_refused(void **state)
{
	struct fixture *fixture = *state;
	CURL *easy[CURL_LOOP_MAX_TRANSFERS + 1];

	for (size_t i = 0; i <= CURL_LOOP_MAX_TRANSFERS; i++)
		easy[i] = request(fixture, "/hello");
	for (size_t i = 0; i < CURL_LOOP_MAX_TRANSFERS; i++)
		assert_int_equal(curl_loop_start(fixture->loop, easy[i], on_done, fixture), 0);

	assert_int_equal(curl_loop_start(fixture->loop, easy[CURL_LOOP_MAX_TRANSFERS], on_done,
					 fixture),
			 -ENOSPC);
	curl_loop_free(fixture->loop);
	fixture->loop = NULL;
	for (size_t i = 0; i <= CURL_LOOP_MAX_TRANSFERS; i++)
		curl_easy_cleanup(easy[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(response_arrives_over_loopback),
		TEST(response_arrives_over_unix_socket),
		TEST(done_may_start_the_next_transfer),
		TEST(done_may_start_the_same_handle_again),
		TEST(refused_connection_is_reported_as_such),
		TEST(handle_timeout_ends_a_silent_server),
		TEST(cancelled_transfer_never_reports),
		TEST(free_ends_running_transfers_silently),
		TEST(running_handle_cannot_be_started_twice),
		TEST(transfer_over_the_maximum_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
