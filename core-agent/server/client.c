/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls.h"

#define MAX_INPUT_BYTES (REQUEST_MAX_HEAD_BYTES + REQUEST_MAX_BODY_BYTES)
#define READ_BYTES 4096
#define WRITE_BYTES 16384
#define LINGER_MS 1000
/* Until a handshake that was put off is looked at again. */
#define DELAY_MS 50
/* Pieces of an answer that are sent before other clients have their turn. */
#define MAX_ROUNDS 4

enum state {
	WAITING,   /* for a whole request */
	ANSWERING,
	LINGERING, /* all is sent; until the client has closed, so that no reset overtakes it */
};

struct client {
	const struct client_host *host;
	int fd;
	struct tls_session *tls;
	struct event *on_read;
	struct event *on_write;
	struct event *deadline;
	struct event *resume; /* of a handshake put off */
	struct evbuffer *in;
	struct evbuffer *out;
	struct evbuffer *piece;
	struct response_source *source;
	enum state state;
	size_t retry_size; /* TLS wants a write that was not taken repeated as it was */
	bool is_chunked;
	bool is_keep_alive;
	bool has_ended; /* its side */
	bool has_begun; /* its handshake was let go on */
};

static void set_deadline(struct client *client, unsigned int ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	(void)event_add(client->deadline, &wait); /* a timer that exists can be set */
}

static ssize_t receive(struct client *client, void *out, size_t size)
{
	ssize_t n;

	if (client->tls && client->state != LINGERING) /* what comes then is thrown away */
		return tls_session_read(client->tls, out, size);
	n = recv(client->fd, out, size, MSG_DONTWAIT);
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t transmit(struct client *client, const void *bytes, size_t size)
{
	ssize_t n;

	if (client->tls)
		return tls_session_write(client->tls, bytes, size);
	n = send(client->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

static void drop_source(struct client *client)
{
	if (client->source)
		client->source->free(client->source);
	client->source = NULL;
}

static void linger(struct client *client)
{
	if (client->tls)
		tls_session_close(client->tls);
	(void)shutdown(client->fd, SHUT_WR); /* fails when the client has gone: fine */
	client->state = LINGERING;
	set_deadline(client, LINGER_MS);
	event_active(client->on_read, EV_READ, 0);
}

static void wait_for_request(struct client *client)
{
	client->state = WAITING;
	set_deadline(client, client->host->config->request_deadline_ms);
	client->host->on_waiting(client, client->host->server);
	(void)event_add(client->on_read, NULL);
	/* More may have come meanwhile, or lie decrypted in the session. */
	event_active(client->on_read, EV_READ, 0);
}

static void finish_answer(struct client *client)
{
	if (client->is_keep_alive && !client->has_ended)
		wait_for_request(client);
	else
		linger(client);
}

static void wake(void *context)
{
	struct client *client = context;

	event_active(client->on_write, EV_WRITE, 0);
}

/* 0, -EAGAIN (the source has nothing now), or another negative errno. */
static int next_piece(struct client *client)
{
	int r = client->source->next(client->source, client->piece);

	if (r < 0)
		return r;
	if (evbuffer_get_length(client->piece) > 0 &&
	    response_write_piece(client->piece, client->is_chunked, client->out) < 0)
		return -ENOMEM;
	if (r == 0) {
		drop_source(client);
		if (client->is_chunked &&
		    response_write_piece(client->piece, true, client->out) < 0)
			return -ENOMEM;
	}
	set_deadline(client, client->host->config->stall_deadline_ms);
	return 0;
}

/* 0, -EAGAIN (the socket is full), or another negative errno. */
static int send_some(struct client *client)
{
	size_t size = evbuffer_get_length(client->out);
	ssize_t n;

	if (size > WRITE_BYTES)
		size = WRITE_BYTES;
	if (client->retry_size)
		size = client->retry_size;
	n = transmit(client, evbuffer_pullup(client->out, (ev_ssize_t)size), size);
	client->retry_size = n == -EAGAIN ? size : 0;
	if (n < 0)
		return (int)n;
	return evbuffer_drain(client->out, (size_t)n) < 0 ? -ENOMEM : 0;
}

static void wait_for_source(struct client *client)
{
	if (client->has_ended) {
		client_free(client);
		return;
	}
	(void)event_del(client->deadline); /* it is not the client that is slow */
}

static void fail_answer(struct client *client)
{
	client->host->stats->n_cut++;
	client_free(client);
}

/* Sends until the socket is full, the source has nothing, or others have waited enough. */
static void pump(struct client *client)
{
	for (int i = 0; i < MAX_ROUNDS; i++) {
		bool has_output = evbuffer_get_length(client->out) > 0;
		int r;

		if (!has_output && !client->source) {
			finish_answer(client);
			return;
		}
		r = has_output ? send_some(client) : next_piece(client);
		if (r == -EAGAIN && !has_output) {
			wait_for_source(client);
			return;
		}
		if (r == -EAGAIN)
			break;
		if (r < 0) {
			if (has_output)
				client_free(client);
			else
				fail_answer(client);
			return;
		}
	}
	(void)event_add(client->on_write, NULL); /* an event that exists can be added */
}

static void start_answer(struct client *client, struct response *response, bool has_chunks)
{
	client->state = ANSWERING;
	client->source = response->source;
	client->is_chunked = response->source && has_chunks;
	if (response->source && !has_chunks)
		client->is_keep_alive = false;
	if (client->source) {
		client->source->wake = wake;
		client->source->wake_context = client;
	}
	set_deadline(client, client->host->config->stall_deadline_ms);
	if (response_write(response, client->is_chunked, client->is_keep_alive, client->out) < 0)
		fail_answer(client);
	else
		pump(client);
}

static void handle(struct client *client, const struct request *request, struct response *response)
{
	const struct client_host *host = client->host;

	client->is_keep_alive = request->is_keep_alive;
	host->stats->n_requests++;
	if (host->may_go_on(host->server)) {
		host->config->handler(request, response, host->config->context);
	} else {
		host->stats->n_rate_limited++;
		response->header = "Retry-After: 1";
		response_text(response, 429, "too many requests: wait a second");
	}
}

static void refuse(struct client *client, int status, struct response *response)
{
	client->host->stats->n_bad_requests++;
	client->is_keep_alive = false;
	if (status == 405)
		response->header = "Allow: GET, POST";
	response_text(response, status, response_reason(status));
}

/* `parsed` as request_parse() gave it, not 1. */
static void respond(struct client *client, const struct request *request, int parsed)
{
	struct response response = {.status = 200, .body = evbuffer_new()};

	if (!response.body) {
		client_free(client);
		return;
	}
	if (parsed < 0)
		refuse(client, -parsed, &response);
	else
		handle(client, request, &response);
	/* The request's spans end here. */
	(void)evbuffer_drain(client->in, parsed < 0 ? evbuffer_get_length(client->in)
						    : request->head_size + request->body_size);
	start_answer(client, &response, parsed == 0 && request->has_chunks);
	evbuffer_free(response.body);
}

static void look_at_input(struct client *client)
{
	size_t size = evbuffer_get_length(client->in);
	const char *bytes = size > 0 ? (const char *)evbuffer_pullup(client->in, -1) : NULL;
	struct request request;
	int r = bytes ? request_parse(bytes, size, &request) : 1;

	if (r == 0 && size - request.head_size < request.body_size)
		r = 1;
	if (r == 0)
		request.body = (struct request_span){bytes + request.head_size, request.body_size};
	if (r <= 0)
		respond(client, &request, r);
	else if (client->has_ended)
		client_free(client);
}

/* 0: nothing more now, or negative errno. */
static int read_input(struct client *client)
{
	char bytes[READ_BYTES];

	for (size_t taken = 0; evbuffer_get_length(client->in) < MAX_INPUT_BYTES;) {
		ssize_t n = receive(client, bytes, sizeof(bytes));

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		if (n == 0) {
			client->has_ended = true;
			return 0;
		}
		taken += (size_t)n;
		if (client->state != LINGERING &&
		    evbuffer_add(client->in, bytes, (size_t)n) < 0)
			return -ENOMEM;
		if (taken > MAX_INPUT_BYTES) /* lingering: others have their turn */
			return 0;
	}
	(void)event_del(client->on_read); /* until what is here has been answered */
	return 0;
}

/* A handshake is what costs most; a connection that sends nothing costs none. */
static bool may_begin(struct client *client)
{
	static const struct timeval delay = {.tv_usec = DELAY_MS * 1000};

	if (!client->tls || client->has_begun)
		return true;
	client->has_begun = client->host->may_go_on(client->host->server);
	if (!client->has_begun) {
		client->host->stats->n_delayed++;
		(void)event_del(client->on_read);
		(void)event_add(client->resume, &delay); /* a timer that exists can be set */
	}
	return client->has_begun;
}

static void on_resume(evutil_socket_t fd, short events, void *context)
{
	struct client *client = context;

	(void)fd;
	(void)events;
	(void)event_add(client->on_read, NULL); /* an event that exists can be added */
}

static void on_readable(evutil_socket_t fd, short events, void *context)
{
	struct client *client = context;
	int r;

	(void)fd;
	(void)events;
	if (!may_begin(client))
		return;
	r = read_input(client);
	if (client->has_ended)
		(void)event_del(client->on_read); /* it would be ready for ever */
	if (r < 0) {
		if (client->tls && !tls_session_is_open(client->tls))
			client->host->stats->n_tls_errors++;
		client_free(client);
		return;
	}
	if (client->tls && tls_session_wants_write(client->tls))
		(void)event_add(client->on_write, NULL); /* the handshake's turn */
	if (client->state == WAITING)
		look_at_input(client);
	else if (client->state == ANSWERING && client->has_ended && client->source)
		event_active(client->on_write, EV_WRITE, 0);
	else if (client->state == LINGERING && client->has_ended)
		client_free(client);
}

static void on_writable(evutil_socket_t fd, short events, void *context)
{
	struct client *client = context;

	if (client->state == ANSWERING)
		pump(client);
	else
		on_readable(fd, events, client);
}

static void on_deadline(evutil_socket_t fd, short events, void *context)
{
	struct client *client = context;

	(void)fd;
	(void)events;
	if (client->state == WAITING)
		client->host->stats->n_request_timeouts++;
	else if (client->state == ANSWERING)
		client->host->stats->n_stalled++;
	client_free(client);
}

static bool set_up(struct client *client, struct tls_context *tls)
{
	struct event_base *base = client->host->base;

	client->on_read = event_new(base, client->fd, EV_READ | EV_PERSIST, on_readable, client);
	client->on_write = event_new(base, client->fd, EV_WRITE, on_writable, client);
	client->deadline = evtimer_new(base, on_deadline, client);
	client->resume = evtimer_new(base, on_resume, client);
	client->in = evbuffer_new();
	client->out = evbuffer_new();
	client->piece = evbuffer_new();
	if (tls)
		client->tls = tls_session_new(tls, client->fd);
	return client->on_read && client->on_write && client->deadline && client->resume && client->in &&
	       client->out && client->piece && (!tls || client->tls) &&
	       event_add(client->on_read, NULL) == 0;
}

/*
 * The last two records of a handshake, and the pieces of an answer, are small writes in a
 * row: the second would wait 40 ms for the acknowledgement that the peer delays.
 */
static void send_at_once(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* else it is slower */
}

struct client *client_new(const struct client_host *host, int fd, struct tls_context *tls)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		(void)close(fd); /* nothing was exchanged */
		return NULL;
	}
	client->host = host;
	client->fd = fd;
	send_at_once(fd);
	host->stats->n_clients++;
	if (!set_up(client, tls)) {
		client_free(client);
		return NULL;
	}
	set_deadline(client, host->config->request_deadline_ms);
	return client;
}

void client_free(struct client *client)
{
	client->host->on_gone(client, client->host->server);
	client->host->stats->n_clients--;
	drop_source(client);
	if (client->on_read)
		event_free(client->on_read);
	if (client->on_write)
		event_free(client->on_write);
	if (client->deadline)
		event_free(client->deadline);
	if (client->resume)
		event_free(client->resume);
	tls_session_free(client->tls);
	(void)close(client->fd); /* what it did not take is lost to it alone */
	if (client->in)
		evbuffer_free(client->in);
	if (client->out)
		evbuffer_free(client->out);
	if (client->piece)
		evbuffer_free(client->piece);
	free(client);
}

bool client_is_waiting(const struct client *client)
{
	return client->state == WAITING;
}
