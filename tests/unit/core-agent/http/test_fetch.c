/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server answers with bytes that the test has written out, on the same event loop as
 * the client; "" holds the request for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/curl_loop.h"
#include "http/fetch.h"

#define SOCKET_NAME "fetch_test.sock"
#define URL "http://localhost/path"
#define MAX_CLIENTS 4

struct fixture {
	struct event_base *base;
	struct evconnlistener *listener;
	struct bufferevent *clients[MAX_CLIENTS];
	size_t n_clients;
	const char *reply;
	bool ends; /* the server closes behind the reply */
	char request[1024];

	struct curl_loop *loop;
	struct fetch *fetch;
	int n_answers, error;
	long status;
	char body[256], problem[256];
	char streamed[256];
	size_t give_up_after; /* bytes of a stream; 0: never */
	bool asks_again;
};

/* Called when all is written, and once before. */
static void end_client(struct bufferevent *client, void *context)
{
	struct fixture *fixture = context;

	if (fixture->ends && *fixture->request)
		(void)shutdown(bufferevent_getfd(client), SHUT_RDWR);
}

static void on_request(struct bufferevent *client, void *context)
{
	struct fixture *fixture = context;
	struct evbuffer *input = bufferevent_get_input(client);
	size_t size = evbuffer_get_length(input);

	assert_true(size < sizeof(fixture->request));
	(void)evbuffer_remove(input, fixture->request, size);
	fixture->request[size] = '\0';
	if (!*fixture->reply)
		event_base_loopbreak(fixture->base);
	else
		(void)bufferevent_write(client, fixture->reply, strlen(fixture->reply));
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *address, int size, void *context)
{
	struct fixture *fixture = context;
	struct bufferevent *client;

	(void)listener;
	(void)address;
	(void)size;
	assert_true(fixture->n_clients < MAX_CLIENTS);
	client = bufferevent_socket_new(fixture->base, fd, BEV_OPT_CLOSE_ON_FREE);
	fixture->clients[fixture->n_clients++] = client;
	bufferevent_setcb(client, on_request, end_client, NULL, fixture);
	(void)bufferevent_enable(client, EV_READ | EV_WRITE);
}

static int set_up(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_NAME};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	unlink(SOCKET_NAME);
	fixture->base = event_base_new();
	fixture->listener = evconnlistener_new_bind(fixture->base, on_client, fixture,
						    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
						    4, (struct sockaddr *)&address,
						    sizeof(address));
	assert_non_null(fixture->listener);
	fixture->loop = curl_loop_new(fixture->base);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	fetch_free(fixture->fetch);
	curl_loop_free(fixture->loop);
	for (size_t i = 0; i < fixture->n_clients; i++)
		bufferevent_free(fixture->clients[i]);
	evconnlistener_free(fixture->listener);
	event_base_free(fixture->base);
	unlink(SOCKET_NAME);
	free(fixture);
	return 0;
}

static void use(struct fixture *fixture, const struct fetch_settings *settings)
{
	struct fetch_settings own = *settings;

	own.connect_timeout_ms = 5000;
	own.timeout_ms = own.timeout_ms ? own.timeout_ms : 5000;
	own.max_bytes = own.max_bytes ? own.max_bytes : 200;
	fixture->fetch = fetch_new(fixture->loop, &own);
	assert_non_null(fixture->fetch);
}

static int on_bytes(const char *bytes, size_t size, void *context)
{
	struct fixture *fixture = context;

	(void)strncat(fixture->streamed, bytes, size);
	return fixture->give_up_after && strlen(fixture->streamed) >= fixture->give_up_after;
}

static void on_answer(const struct fetch_answer *answer, void *context)
{
	struct fixture *fixture = context;

	fixture->n_answers++;
	fixture->error = answer->error;
	fixture->status = answer->status;
	assert_int_equal(strlen(answer->body), answer->size);
	(void)snprintf(fixture->body, sizeof(fixture->body), "%s", answer->body);
	(void)snprintf(fixture->problem, sizeof(fixture->problem), "%s", answer->problem);
	assert_false(fetch_is_running(fixture->fetch));
	if (!fixture->asks_again) {
		event_base_loopbreak(fixture->base);
		return;
	}
	fixture->asks_again = false;
	assert_int_equal(fetch_start(fixture->fetch, &(struct fetch_request){.url = URL},
				     on_answer, fixture), 0);
}

/* Run the loop until something breaks it, or for `ms`. */
static void run_for(struct fixture *fixture, int ms)
{
	struct timeval limit = {ms / 1000, ms % 1000 * 1000};

	event_base_loopexit(fixture->base, &limit);
	event_base_dispatch(fixture->base);
}

static void ask(struct fixture *fixture, const char *reply, const struct fetch_request *request)
{
	struct fetch_request own = *request;

	own.url = own.url ? own.url : URL;
	fixture->reply = reply;
	assert_int_equal(fetch_start(fixture->fetch, &own, on_answer, fixture), 0);
	run_for(fixture, 10000);
	assert_int_equal(fixture->n_answers, 1);
}

static const struct fetch_settings here = {.unix_socket = SOCKET_NAME};
static const struct fetch_request plain = {0};

static void whole_answer_arrives(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	ask(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: two\r\n\r\nhello", &plain);

	assert_int_equal(fixture->error, 0);
	assert_int_equal(fixture->status, 200);
	assert_string_equal(fixture->body, "hello");
	assert_string_equal(fixture->problem, "");
	assert_string_equal(fetch_header(fixture->fetch, "x-one"), "two");
	assert_null(fetch_header(fixture->fetch, "x-two"));
	assert_memory_equal(fixture->request, "GET /path HTTP/1.1\r\n", 20);
}

static void peer_of_a_unix_socket_is_who_listens(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	assert_int_equal(fetch_peer(fixture->fetch), FETCH_NO_PEER);
	ask(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", &plain);

	assert_int_equal(fetch_peer(fixture->fetch), geteuid());
}

static void answer_without_body_is_empty_text(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	ask(fixture, "HTTP/1.1 204 No Content\r\n\r\n", &plain);

	assert_int_equal(fixture->status, 204);
	assert_string_equal(fixture->body, "");
}

static void error_status_is_an_answer_with_its_text(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	ask(fixture, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone",
	    &(struct fetch_request){.on_bytes = on_bytes});

	assert_int_equal(fixture->error, 0);
	assert_int_equal(fixture->status, 404);
	assert_string_equal(fixture->body, "none");
	assert_string_equal(fixture->streamed, "");
}

static void body_and_headers_are_sent(void **state)
{
	static const char *const headers[] = {"X-Token: 1", "Content-Type: a/b", NULL};
	struct fixture *fixture = *state;

	use(fixture, &here);
	ask(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	    &(struct fetch_request){.body = "a\0b", .body_size = 3, .headers = headers});

	assert_memory_equal(fixture->request, "POST /path HTTP/1.1\r\n", 21);
	assert_non_null(strstr(fixture->request, "\r\nX-Token: 1\r\n"));
	assert_non_null(strstr(fixture->request, "\r\nContent-Type: a/b\r\n"));
	assert_non_null(strstr(fixture->request, "\r\nContent-Length: 3\r\n"));
}

static void method_is_as_told(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	ask(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	    &(struct fetch_request){.method = "PUT"});

	assert_memory_equal(fixture->request, "PUT /path HTTP/1.1\r\n", 20);
}

static void trailer_is_read_like_a_header(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	ask(fixture, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
		     "2\r\nhi\r\n0\r\nX-End: 7\r\n\r\n", &plain);

	assert_string_equal(fixture->body, "hi");
	assert_string_equal(fetch_header(fixture->fetch, "X-End"), "7");
}

static void stream_is_taken_as_it_comes_and_not_kept(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &(struct fetch_settings){.unix_socket = SOCKET_NAME, .max_bytes = 1});
	ask(fixture, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n",
	    &(struct fetch_request){.on_bytes = on_bytes});

	assert_int_equal(fixture->error, 0);
	assert_string_equal(fixture->streamed, "one two");
	assert_string_equal(fixture->body, "");
}

static void stream_may_be_given_up(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	fixture->give_up_after = 2;
	ask(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
	    &(struct fetch_request){.on_bytes = on_bytes});

	assert_int_equal(fixture->error, -ECANCELED);
}

static void answer_at_the_limit_is_kept(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &(struct fetch_settings){.unix_socket = SOCKET_NAME, .max_bytes = 5});
	ask(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", &plain);

	assert_int_equal(fixture->error, 0);
}

static void answer_over_the_limit_is_efbig(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &(struct fetch_settings){.unix_socket = SOCKET_NAME, .max_bytes = 4});
	ask(fixture, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "5\r\nhello\r\n0\r\n\r\n", &plain);

	assert_int_equal(fixture->error, -EFBIG);
}

static void answer_that_is_cut_off_is_eproto(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	fixture->ends = true;
	ask(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", &plain);

	assert_int_equal(fixture->error, -EPROTO);
	assert_string_not_equal(fixture->problem, "");
}

static void what_is_not_http_is_eproto(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	fixture->ends = true;
	ask(fixture, "220 mail.example ESMTP\r\n", &plain);

	assert_int_equal(fixture->error, -EPROTO);
}

static void no_socket_is_enoent(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &(struct fetch_settings){.unix_socket = "no_such.sock"});
	ask(fixture, "", &plain);

	assert_int_equal(fixture->error, -ENOENT);
}

static void socket_that_nobody_listens_at_is_refused(void **state)
{
	struct fixture *fixture = *state;

	evconnlistener_disable(fixture->listener);
	(void)shutdown(evconnlistener_get_fd(fixture->listener), SHUT_RDWR);
	use(fixture, &here);
	ask(fixture, "", &plain);

	assert_int_equal(fixture->error, -ECONNREFUSED);
}

static void socket_of_others_is_eacces(void **state)
{
	struct fixture *fixture = *state;
	uid_t user = geteuid();

	use(fixture, &here);
	assert_int_equal(chmod(SOCKET_NAME, 0600), 0);
	if (user == 0)
		assert_int_equal(seteuid(65534), 0);
	else
		assert_int_equal(chmod(SOCKET_NAME, 0), 0);
	ask(fixture, "", &plain);
	assert_int_equal(seteuid(user), 0);

	assert_int_equal(fixture->error, -EACCES);
}

static void refused_port_is_econnrefused(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &(struct fetch_settings){0});
	ask(fixture, "", &(struct fetch_request){.url = "http://127.0.0.1:1/"});

	assert_int_equal(fixture->error, -ECONNREFUSED);
}

static void silent_server_is_etimedout(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &(struct fetch_settings){.unix_socket = SOCKET_NAME, .timeout_ms = 100});
	fixture->reply = "";
	assert_int_equal(fetch_start(fixture->fetch, &(struct fetch_request){.url = URL}, on_answer,
				     fixture), 0);
	run_for(fixture, 10000); /* until the server has the request */
	run_for(fixture, 10000); /* until the time is over */

	assert_int_equal(fixture->error, -ETIMEDOUT);
}

static void redirect_is_not_followed(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	ask(fixture, "HTTP/1.1 302 Found\r\nLocation: http://localhost/b\r\n"
		     "Content-Length: 0\r\n\r\n", &plain);

	assert_int_equal(fixture->status, 302);
}

static void one_request_at_a_time(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	fixture->reply = "";
	assert_int_equal(fetch_start(fixture->fetch, &(struct fetch_request){.url = URL}, on_answer,
				     fixture), 0);
	assert_true(fetch_is_running(fixture->fetch));
	assert_int_equal(fetch_start(fixture->fetch, &(struct fetch_request){.url = URL}, on_answer,
				     fixture), -EBUSY);
	fetch_cancel(fixture->fetch);
	run_for(fixture, 50);

	assert_false(fetch_is_running(fixture->fetch));
	assert_int_equal(fixture->n_answers, 0);
}

static void answer_may_start_the_next_request(void **state)
{
	struct fixture *fixture = *state;

	use(fixture, &here);
	fixture->asks_again = true;
	fixture->reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	assert_int_equal(fetch_start(fixture->fetch, &(struct fetch_request){.url = URL}, on_answer,
				     fixture), 0);
	run_for(fixture, 10000);

	assert_int_equal(fixture->n_answers, 2);
	assert_string_equal(fixture->body, "hello");
	assert_int_equal(fixture->n_clients, 2); /* one each, so that its peer is known */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(whole_answer_arrives),
		TEST(peer_of_a_unix_socket_is_who_listens),
		TEST(answer_without_body_is_empty_text),
		TEST(error_status_is_an_answer_with_its_text),
		TEST(body_and_headers_are_sent),
		TEST(method_is_as_told),
		TEST(trailer_is_read_like_a_header),
		TEST(stream_is_taken_as_it_comes_and_not_kept),
		TEST(stream_may_be_given_up),
		TEST(answer_at_the_limit_is_kept),
		TEST(answer_over_the_limit_is_efbig),
		TEST(answer_that_is_cut_off_is_eproto),
		TEST(what_is_not_http_is_eproto),
		TEST(no_socket_is_enoent),
		TEST(socket_that_nobody_listens_at_is_refused),
		TEST(socket_of_others_is_eacces),
		TEST(refused_port_is_econnrefused),
		TEST(silent_server_is_etimedout),
		TEST(redirect_is_not_followed),
		TEST(one_request_at_a_time),
		TEST(answer_may_start_the_next_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
