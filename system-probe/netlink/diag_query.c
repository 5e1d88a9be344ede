/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/diag_query.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define GROUP(number) (1U << ((number) - 1))
#define STATE(number) (1U << (number))
#define EXTENSION(number) (1U << ((number) - 1))
#define ANSWER_TIMEOUT_S 5

/* Half-open ones have no tcp_sock yet; those in TIME_WAIT were reported when they closed. */
#define LIVE_STATES                                                                          \
	(STATE(DIAG_ESTABLISHED) | STATE(DIAG_SYN_SENT) | STATE(DIAG_FIN_WAIT1) |            \
	 STATE(DIAG_FIN_WAIT2) | STATE(DIAG_CLOSE_WAIT) | STATE(DIAG_LAST_ACK) |             \
	 STATE(DIAG_CLOSING))

/*
 * One thread uses them; two, as who takes a notification may ask something. The first
 * is what the kernel fills at most in one read (net/netlink/af_netlink.c).
 */
static _Alignas(8) char answers[32768];
static _Alignas(8) char notification[8192];

struct taker {
	uint8_t protocol; /* of messages that do not say it */
	diag_query_take *take;
	void *context;
};

static int on_message(const struct nlmsghdr *message, void *context)
{
	struct taker *taker = context;
	struct diag_socket socket;

	if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    diag_message_parse(mnl_nlmsg_get_payload(message),
			       mnl_nlmsg_get_payload_len(message), taker->protocol, &socket) == 0)
		taker->take(&socket, taker->context);
	return MNL_CB_OK;
}

static struct mnl_socket *open_bound(unsigned int groups, int flags)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | flags);
	int error;

	if (!socket)
		return NULL;
	if (mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) == 0)
		return socket;
	error = errno;
	(void)mnl_socket_close(socket);
	errno = error;
	return NULL;
}

struct mnl_socket *diag_query_open(void)
{
	const struct timeval timeout = { ANSWER_TIMEOUT_S, 0 };
	struct mnl_socket *query = open_bound(0, 0);

	if (query) /* without it a read could only last longer */
		(void)setsockopt(mnl_socket_get_fd(query), SOL_SOCKET, SO_RCVTIMEO, &timeout,
				 sizeof(timeout));
	return query;
}

struct mnl_socket *diag_query_open_ends(int buffer_bytes)
{
	struct mnl_socket *ends = open_bound(
		GROUP(SKNLGRP_INET_TCP_DESTROY) | GROUP(SKNLGRP_INET6_TCP_DESTROY), SOCK_NONBLOCK);
	int fd = ends ? mnl_socket_get_fd(ends) : -1;

	/* Without the right to force it net.core.rmem_max is the limit; losses are counted. */
	if (ends && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes,
			       sizeof(buffer_bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
	return ends;
}

/* -errno of the send; `*ret_sequence` marks the answers. */
static int ask(struct mnl_socket *query, const struct inet_diag_req_v2 *request, uint16_t flags,
	       uint32_t *ret_sequence)
{
	static uint32_t last_sequence;
	char bytes[MNL_ALIGN(sizeof(struct nlmsghdr)) + MNL_ALIGN(sizeof(*request))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);

	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = *ret_sequence = ++last_sequence;
	memcpy(mnl_nlmsg_put_extra_header(header, sizeof(*request)), request, sizeof(*request));
	return mnl_socket_sendto(query, header, header->nlmsg_len) < 0 ? -errno : 0;
}

/* One read of answers: 1 when there may be more, 0 at their end, or negative errno. */
static int read_answers(struct mnl_socket *query, uint32_t sequence, struct taker *taker)
{
	const struct nlmsghdr *first = (const struct nlmsghdr *)answers;
	ssize_t n;
	int r;

	do { /* past what is left of a request that timed out */
		n = mnl_socket_recvfrom(query, answers, sizeof(answers));
	} while (n >= (ssize_t)sizeof(*first) && first->nlmsg_seq != sequence);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	r = mnl_cb_run(answers, (size_t)n, sequence, mnl_socket_get_portid(query), on_message, taker);
	return r < 0 ? -errno : r;
}

static struct inet_diag_req_v2 dump_request(enum diag_dump what, uint8_t family)
{
	struct inet_diag_req_v2 request = { .sdiag_family = family };

	request.sdiag_protocol = what == DIAG_DUMP_UDP_CONNECTED ? IPPROTO_UDP : IPPROTO_TCP;
	switch (what) {
	case DIAG_DUMP_TCP:
		request.idiag_states = LIVE_STATES;
		request.idiag_ext = EXTENSION(INET_DIAG_INFO);
		break;
	case DIAG_DUMP_TCP_LISTENERS:
		request.idiag_states = STATE(DIAG_LISTEN);
		request.idiag_ext = EXTENSION(INET_DIAG_SKMEMINFO);
		break;
	case DIAG_DUMP_UDP_CONNECTED:
		request.idiag_states = STATE(DIAG_ESTABLISHED);
		break;
	}
	return request;
}

int diag_query_dump(struct mnl_socket *query, enum diag_dump what, uint8_t family,
		    diag_query_take *take, void *context)
{
	const struct inet_diag_req_v2 request = dump_request(what, family);
	struct taker taker = { request.sdiag_protocol, take, context };
	uint32_t sequence;
	int r = ask(query, &request, NLM_F_DUMP, &sequence);

	if (r < 0)
		return r;
	do {
		r = read_answers(query, sequence, &taker);
	} while (r > 0);
	return r;
}

static void take_state(const struct diag_socket *socket, void *context)
{
	*(uint8_t *)context = socket->state;
}

/* State of the one socket that answers to `id`, 0 when there is none, or negative errno. */
static int find_state(struct mnl_socket *query, const struct diag_socket *like,
		      struct inet_diag_sockid id)
{
	struct inet_diag_req_v2 request = { .sdiag_family = like->family,
					    .sdiag_protocol = like->protocol,
					    .id = id };
	uint8_t state = 0;
	struct taker taker = { like->protocol, take_state, &state };
	uint32_t sequence;
	int r;

	request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	r = ask(query, &request, 0, &sequence);
	if (r == 0)
		r = read_answers(query, sequence, &taker);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return state;
}

/* Nobody is connected to port 0, so that only a listener answers. */
int diag_query_has_listener(struct mnl_socket *query, const struct diag_socket *gone)
{
	struct inet_diag_sockid id = gone->id;
	int state;

	id.idiag_dport = 0;
	state = find_state(query, gone, id);
	return state < 0 ? state : state == DIAG_LISTEN;
}

/* A tuple that nobody has any more may find the listener instead. */
int diag_query_has_time_wait(struct mnl_socket *query, const struct diag_socket *gone)
{
	int state = find_state(query, gone, gone->id);

	return state < 0 ? state : state == DIAG_FIN_WAIT2 || state == DIAG_TIME_WAIT;
}

int diag_query_read_ends(struct mnl_socket *ends, diag_query_take *take, void *context)
{
	struct taker taker = { IPPROTO_TCP, take, context };

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(ends, notification, sizeof(notification));

		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n > 0 && mnl_cb_run(notification, (size_t)n, 0, 0, on_message, &taker) < 0)
			return -errno;
	}
}

uint64_t diag_query_n_lost(const struct mnl_socket *socket)
{
	uint32_t values[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(values);

	if (getsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_MEMINFO, values, &size) < 0 ||
	    size <= SK_MEMINFO_DROPS * sizeof(values[0]))
		return 0;
	return values[SK_MEMINFO_DROPS];
}
