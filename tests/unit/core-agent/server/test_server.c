/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_CLIENTS 3

struct fixture {
	struct event_base *base;
	struct server *server;
	uint16_t port;
	int n_next; /* of the source */
	int n_source_freed;
	struct response_source source;
	struct response_source *waiting;
};

static struct fixture *fixture_of(struct response_source *source)
{
	return (struct fixture *)((char *)source - offsetof(struct fixture, source));
}

/* "piece" three times; the second only after a wake. */
static int source_next(struct response_source *source, struct evbuffer *out)
{
	struct fixture *fixture = fixture_of(source);

	if (fixture->n_next == 1 && !fixture->waiting) {
		fixture->waiting = source;
		return -EAGAIN;
	}
	evbuffer_add_printf(out, "piece%d", ++fixture->n_next);
	return fixture->n_next < 3;
}

static void source_free(struct response_source *source)
{
	fixture_of(source)->n_source_freed++;
}

static int silent_next(struct response_source *source, struct evbuffer *out)
{
	(void)source;
	(void)out;
	return -EAGAIN;
}

/* One piece, and no end. */
static int endless_next(struct response_source *source, struct evbuffer *out)
{
	evbuffer_add_printf(out, "piece");
	source->next = silent_next;
	return 1;
}

static void endless_free(struct response_source *source)
{
	free(source);
}

static void handle(const struct request *request, struct response *response, void *context)
{
	struct fixture *fixture = context;

	if (strcmp(request->path, "/stream") == 0) {
		fixture->source =
			(struct response_source){.next = source_next, .free = source_free};
		response->source = &fixture->source;
	} else if (strcmp(request->path, "/endless") == 0) {
		response->source = calloc(1, sizeof(*response->source));
		response->source->next = endless_next;
		response->source->free = endless_free;
	} else if (request->is_post) {
		evbuffer_add(response->body, request->body.bytes, request->body.size);
	} else {
		response_text(response, 404, "nothing here");
	}
}

/* A port that is free now: the server takes no 0. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct server_config config = {.host = "localhost",
				       .handler = handle,
				       .context = fixture,
				       .max_clients = MAX_CLIENTS,
				       .max_per_second = 5,
				       .request_deadline_ms = 50,
				       .stall_deadline_ms = 50};

	config.port = fixture->port = free_port();
	fixture->base = event_base_new();
	*state = fixture;
	return server_new(fixture->base, &config, &fixture->server);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	server_free(fixture->server);
	event_base_free(fixture->base);
	free(fixture);
	return 0;
}

static int connect_to(const struct fixture *fixture)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(fixture->port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Runs the loop until `fd` has `wanted` in what came, or has ended. False: ended. */
static bool receive_until(const struct fixture *fixture, int fd, const char *wanted)
{
	char bytes[4096];
	size_t size = 0;

	for (;;) {
		ssize_t n = recv(fd, bytes + size, sizeof(bytes) - size - 1, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		size += n > 0 ? (size_t)n : 0;
		bytes[size] = '\0';
		if (strstr(bytes, wanted))
			return true;
		event_base_loop(fixture->base, EVLOOP_ONCE);
	}
}

static const struct server_stats *stats(const struct fixture *fixture)
{
	return server_get_stats(fixture->server);
}

static void a_body_reaches_the_handler_and_its_answer_the_client(void **state)
{
	const struct fixture *fixture = *state;
	int fd = connect_to(fixture);

	send_text(fd, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe");
	event_base_loop(fixture->base, EVLOOP_NONBLOCK);
	send_text(fd, "llo");
	assert_true(receive_until(fixture, fd, "Content-Length: 5\r\n\r\nhello"));
	close(fd);
}

static void a_source_is_sent_in_chunks_and_freed_at_its_end(void **state)
{
	struct fixture *fixture = *state;
	int fd = connect_to(fixture);

	send_text(fd, "GET /stream HTTP/1.1\r\n\r\n");
	assert_true(receive_until(fixture, fd, "6\r\npiece1\r\n"));
	while (!fixture->waiting)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	fixture->waiting->wake(fixture->waiting->wake_context);
	assert_true(receive_until(fixture, fd, "6\r\npiece2\r\n6\r\npiece3\r\n0\r\n\r\n"));
	assert_int_equal(fixture->n_source_freed, 1);
	close(fd);
}

static void a_source_whose_client_leaves_is_freed(void **state)
{
	struct fixture *fixture = *state;
	int fd = connect_to(fixture);

	send_text(fd, "GET /stream HTTP/1.1\r\n\r\n");
	assert_true(receive_until(fixture, fd, "piece1"));
	close(fd);
	while (!fixture->n_source_freed)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	assert_int_equal(stats(fixture)->n_clients, 0);
}

static void a_request_that_does_not_come_is_not_waited_for(void **state)
{
	const struct fixture *fixture = *state;
	int fd = connect_to(fixture);

	send_text(fd, "GET / HTTP/1.1\r\n");
	assert_false(receive_until(fixture, fd, "HTTP"));
	assert_int_equal(stats(fixture)->n_request_timeouts, 1);
	close(fd);
}

static void the_one_that_waits_longest_gives_way(void **state)
{
	const struct fixture *fixture = *state;
	int fds[MAX_CLIENTS + 1];

	for (size_t i = 0; i <= MAX_CLIENTS; i++) {
		fds[i] = connect_to(fixture);
		event_base_loop(fixture->base, EVLOOP_NONBLOCK);
	}
	assert_false(receive_until(fixture, fds[0], "HTTP"));
	assert_int_equal(stats(fixture)->n_evicted, 1);
	send_text(fds[MAX_CLIENTS], "GET / HTTP/1.1\r\n\r\n");
	assert_true(receive_until(fixture, fds[MAX_CLIENTS], "nothing here"));
	for (size_t i = 0; i <= MAX_CLIENTS; i++)
		close(fds[i]);
}

static void who_finds_all_being_answered_is_refused_and_counted(void **state)
{
	struct fixture *fixture = *state;
	int fds[MAX_CLIENTS + 1];

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		fds[i] = connect_to(fixture);
		send_text(fds[i], "GET /endless HTTP/1.1\r\n\r\n");
		assert_true(receive_until(fixture, fds[i], "piece"));
	}
	fds[MAX_CLIENTS] = connect_to(fixture);
	assert_false(receive_until(fixture, fds[MAX_CLIENTS], "HTTP"));
	assert_int_equal(stats(fixture)->n_refused, 1);
	assert_int_equal(stats(fixture)->n_evicted, 0);
	for (size_t i = 0; i <= MAX_CLIENTS; i++)
		close(fds[i]);
}

static void requests_over_the_rate_are_refused(void **state)
{
	const struct fixture *fixture = *state;
	int fd = connect_to(fixture);

	send_text(fd, "GET / HTTP/1.1\r\n\r\n");
	assert_true(receive_until(fixture, fd, "HTTP/1.1 404"));
	for (int i = 0; i < 20; i++)
		send_text(fd, "GET / HTTP/1.1\r\n\r\n");
	assert_true(receive_until(fixture, fd, "HTTP/1.1 429"));
	assert_true(stats(fixture)->n_rate_limited >= 1);
	close(fd);
}

static void a_malformed_request_is_answered_and_the_connection_closed(void **state)
{
	const struct fixture *fixture = *state;
	int fd = connect_to(fixture);

	send_text(fd, "nonsense\r\n\r\n");
	assert_true(receive_until(fixture, fd, "HTTP/1.1 400 Bad Request"));
	assert_false(receive_until(fixture, fd, "more"));
	assert_int_equal(stats(fixture)->n_bad_requests, 1);
	close(fd);
}

static void a_host_that_is_no_address_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	struct server_config config = {.host = "example.org", .port = 1, .max_clients = 1,
				       .max_per_second = 1};
	struct server *server = NULL;

	assert_int_equal(server_new(fixture->base, &config, &server), -EINVAL);
	config.host = "127.0.0.1";
	config.port = fixture->port;
	assert_int_equal(server_new(fixture->base, &config, &server), -EADDRINUSE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_body_reaches_the_handler_and_its_answer_the_client),
		TEST(a_source_is_sent_in_chunks_and_freed_at_its_end),
		TEST(a_source_whose_client_leaves_is_freed),
		TEST(a_request_that_does_not_come_is_not_waited_for),
		TEST(the_one_that_waits_longest_gives_way),
		TEST(who_finds_all_being_answered_is_refused_and_counted),
		TEST(requests_over_the_rate_are_refused),
		TEST(a_malformed_request_is_answered_and_the_connection_closed),
		TEST(a_host_that_is_no_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
