/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/diag_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define MIN_RTT_UNSET ((uint32_t)~0) /* net/ipv4/tcp.c, tcp_init_sock() */

static bool is_mapped(const struct diag_socket *socket)
{
	struct in6_addr local, remote;

	memcpy(&local, socket->id.idiag_src, sizeof(local));
	memcpy(&remote, socket->id.idiag_dst, sizeof(remote));
	return IN6_IS_ADDR_V4MAPPED(&local) || IN6_IS_ADDR_V4MAPPED(&remote);
}

struct sp_tuple diag_connection_tuple(const struct diag_socket *socket)
{
	const struct inet_diag_sockid *id = &socket->id;
	struct sp_tuple tuple = { .protocol = socket->protocol,
				  .local_port = ntohs(id->idiag_sport),
				  .remote_port = ntohs(id->idiag_dport) };
	bool is_ipv6 = socket->family == AF_INET6;
	bool is_ipv4 = !is_ipv6 || is_mapped(socket);
	size_t skip = is_ipv6 && is_ipv4 ? 3 : 0; /* words before the IPv4 address */

	tuple.family = is_ipv4 ? SP_IPV4 : SP_IPV6;
	memcpy(tuple.local, id->idiag_src + skip, is_ipv4 ? 4 : 16);
	memcpy(tuple.remote, id->idiag_dst + skip, is_ipv4 ? 4 : 16);
	return tuple;
}

/* Payload sent at least once. */
static uint64_t sent_once(const struct diag_socket *socket)
{
	return socket->info.tcpi_bytes_sent - socket->info.tcpi_bytes_retrans;
}

/* Our SYN, if we are the client, and our FIN, if it was sent: 0 to 2 sequence numbers. */
static uint64_t sequences_beyond_payload(const struct diag_socket *socket)
{
	return socket->info.tcpi_bytes_acked + socket->send_queue - socket->info.tcpi_notsent_bytes -
	       sent_once(socket);
}

/* The queues of a live socket are read a moment before its counters. */
static bool is_quiet(const struct diag_socket *socket)
{
	return socket->state == DIAG_CLOSE || socket->send_queue == 0;
}

static bool has_sent_no_fin(const struct diag_socket *socket)
{
	return socket->state == DIAG_ESTABLISHED || socket->state == DIAG_CLOSE_WAIT;
}

enum sp_role diag_connection_role(const struct diag_socket *socket, enum sp_role known,
				  bool is_listening_port)
{
	uint64_t beyond = sequences_beyond_payload(socket);

	if (socket->state == DIAG_SYN_SENT)
		return SP_ROLE_CLIENT;
	if (DIAG_HAS(socket, tcpi_bytes_retrans) && is_quiet(socket)) {
		if (beyond == 0)
			return SP_ROLE_SERVER;
		if (beyond == 2 || (beyond == 1 && has_sent_no_fin(socket)))
			return SP_ROLE_CLIENT;
	}
	if (known != SP_ROLE_UNKNOWN)
		return known;
	return is_listening_port ? SP_ROLE_SERVER : SP_ROLE_CLIENT;
}

bool diag_connection_has_failed(const struct diag_socket *socket, enum sp_role role)
{
	const struct tcp_info *info = &socket->info;

	return role == SP_ROLE_CLIENT && info->tcpi_bytes_acked == 0 &&
	       info->tcpi_bytes_received == 0 && info->tcpi_rtt == 0;
}

static bool is_after_peer_fin(uint8_t state)
{
	return state == DIAG_CLOSE_WAIT || state == DIAG_LAST_ACK || state == DIAG_CLOSING ||
	       state == DIAG_TIME_WAIT;
}

static bool is_own_fin_acked(const struct diag_socket *socket, enum sp_role role)
{
	uint64_t syn = role == SP_ROLE_CLIENT;

	if (!DIAG_HAS(socket, tcpi_bytes_retrans))
		return true; /* most are closed orderly */
	return socket->send_queue == 0 &&
	       socket->info.tcpi_bytes_acked - sent_once(socket) - syn == 1;
}

/*
 * At the end one FIN may stand in the receive queue, because nobody read to the
 * end of the stream. With nothing there and our own FIN acknowledged, either the
 * peer's was read (it closed first), or the socket ended in FIN_WAIT2 before it
 * came (we closed first, and a TIME_WAIT socket awaits it). The one exception: a
 * program that shut down its side, read to the end and then closed.
 */
enum diag_fin diag_connection_peer_fin(const struct diag_socket *socket, enum sp_role role,
				       uint8_t last_state, bool last_had_file)
{
	if (socket->info.tcpi_bytes_received == 0)
		return DIAG_FIN_NO;
	if (is_after_peer_fin(socket->state))
		return DIAG_FIN_YES;
	if (socket->state != DIAG_CLOSE)
		return DIAG_FIN_NO;
	if (is_after_peer_fin(last_state))
		return DIAG_FIN_YES;
	if (socket->receive_queue > 0)
		return socket->receive_queue == 1 ? DIAG_FIN_YES : DIAG_FIN_NO;
	if (!is_own_fin_acked(socket, role))
		return DIAG_FIN_NO;
	if ((last_state == DIAG_FIN_WAIT1 || last_state == DIAG_FIN_WAIT2) && last_had_file)
		return DIAG_FIN_YES;
	return DIAG_FIN_UNLESS_TIME_WAIT;
}

/*
 * Before 4.19 only what was acknowledged is counted, SYN and FIN included; of a
 * destroyed socket the FIN is taken off although a reset may have come instead.
 */
static uint64_t acked_payload(const struct diag_socket *socket, enum sp_role role)
{
	uint64_t beyond = (role == SP_ROLE_CLIENT) +
			  (socket->state == DIAG_FIN_WAIT2 || socket->state == DIAG_CLOSE);
	uint64_t acked = socket->info.tcpi_bytes_acked;

	return acked > beyond ? acked - beyond : 0;
}

static void fill_counters(struct sp_connection *record, const struct diag_socket *socket,
			  enum sp_role role, bool has_peer_fin)
{
	const struct tcp_info *info = &socket->info;

	if (DIAG_HAS(socket, tcpi_bytes_retrans))
		record->counters.bytes_sent = sent_once(socket);
	else
		record->counters.bytes_sent = acked_payload(socket, role);
	record->counters.bytes_received = info->tcpi_bytes_received;
	if (record->counters.bytes_received && has_peer_fin)
		record->counters.bytes_received--;
	record->counters.packets_sent = info->tcpi_segs_out;
	record->counters.packets_received = info->tcpi_segs_in;
	record->retransmits = info->tcpi_total_retrans;
}

static void fill_quality(struct sp_connection *record, const struct diag_socket *socket)
{
	const struct tcp_info *info = &socket->info;
	struct sp_quality *quality = &record->quality;

	record->rtt_us = info->tcpi_rtt;
	record->rtt_var_us = info->tcpi_rttvar;
	quality->min_rtt_us = info->tcpi_min_rtt == MIN_RTT_UNSET ? 0 : info->tcpi_min_rtt;
	quality->reorderings = info->tcpi_reord_seen;
	quality->out_of_order = info->tcpi_rcv_ooopack;
	quality->ecn = (info->tcpi_options & TCPI_OPT_ECN) != 0;
	quality->delivered_ce = info->tcpi_delivered_ce;
	quality->lost = info->tcpi_lost;
	quality->cwnd = info->tcpi_snd_cwnd;
	quality->delivery_bytes_per_s = info->tcpi_delivery_rate;
}

/* What kernels appended over time (4.2 to 5.5). */
static uint64_t known_fields(const struct diag_socket *socket)
{
	uint64_t known = 0;

	if (DIAG_HAS(socket, tcpi_snd_cwnd))
		known |= SP_KNOWN(ECN) | SP_KNOWN(LOST) | SP_KNOWN(CWND);
	if (DIAG_HAS(socket, tcpi_total_retrans))
		known |= SP_KNOWN(RETRANSMITS);
	if (DIAG_HAS(socket, tcpi_bytes_received))
		known |= SP_KNOWN(BYTES_SENT) | SP_KNOWN(BYTES_RECEIVED);
	if (DIAG_HAS(socket, tcpi_segs_in))
		known |= SP_KNOWN(PACKETS_SENT) | SP_KNOWN(PACKETS_RECEIVED);
	if (DIAG_HAS(socket, tcpi_min_rtt))
		known |= SP_KNOWN(MIN_RTT_US);
	if (DIAG_HAS(socket, tcpi_delivery_rate))
		known |= SP_KNOWN(DELIVERY_RATE);
	if (DIAG_HAS(socket, tcpi_delivered_ce))
		known |= SP_KNOWN(DELIVERED_CE);
	if (DIAG_HAS(socket, tcpi_reord_seen))
		known |= SP_KNOWN(REORDERINGS);
	if (DIAG_HAS(socket, tcpi_rcv_ooopack))
		known |= SP_KNOWN(OUT_OF_ORDER);
	return known;
}

static enum sp_side closed_first(uint8_t state)
{
	switch (state) {
	case DIAG_FIN_WAIT1:
	case DIAG_FIN_WAIT2:
	case DIAG_CLOSING:
		return SP_SIDE_LOCAL;
	case DIAG_CLOSE_WAIT:
	case DIAG_LAST_ACK:
		return SP_SIDE_REMOTE;
	}
	return SP_SIDE_UNKNOWN;
}

/* What a dump says and a notification does not. */
static void fill_live(struct sp_connection *record, const struct diag_socket *socket)
{
	struct sp_quality *quality = &record->quality;

	quality->tcp_state = socket->state;
	quality->closed_first = closed_first(socket->state);
	quality->zero_window_probes =
		socket->timer == DIAG_TIMER_PROBE0 ? socket->info.tcpi_backoff : 0;
	record->known |= SP_KNOWN(TCP_STATE) | SP_KNOWN(ZERO_WINDOW_PROBES);
}

void diag_connection_fill(struct sp_connection *record, const struct diag_socket *socket,
			  enum sp_role role, bool has_peer_fin)
{
	record->tuple = diag_connection_tuple(socket);
	record->role = role;
	record->known = known_fields(socket);
	fill_counters(record, socket, role, has_peer_fin);
	fill_quality(record, socket);
	if (socket->state != DIAG_CLOSE)
		fill_live(record, socket);
}

void diag_connection_fill_listener(struct sp_connection *record, const struct diag_socket *socket)
{
	record->tuple = diag_connection_tuple(socket);
	record->role = SP_ROLE_SERVER;
	record->state = SP_STATE_LISTENING;
	record->quality.tcp_state = socket->state;
	record->listener.accept_queue = socket->receive_queue;
	record->listener.accept_queue_max = socket->send_queue;
	record->listener.dropped_attempts = socket->drops;
	record->known = SP_KNOWN(TCP_STATE) | SP_KNOWN(ACCEPT_QUEUE) | SP_KNOWN(ACCEPT_QUEUE_MAX);
	if (socket->has_drops)
		record->known |= SP_KNOWN(DROPPED_ATTEMPTS);
}
