/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/* From a TCP socket and its storage to a record; where each field comes from. */

#include "tcp_sockets.bpf.h"

/* Which hooks are in place, so that what nobody counts is not given as 0. */
extern const volatile bool has_retransmit_hook;
extern const volatile bool has_reset_hook;

#define MICROSECONDS_PER_SECOND 1000000ULL
#define RTT_MIN_UNSET ((__u32)~0) /* net/ipv4/tcp.c, tcp_init_sock() */

/*
 * Payload as applications see it: SYN takes no part in these counters, a
 * retransmitted byte is taken off, and so is the peer's FIN, which
 * tcp_rcv_nxt_update() counts as one byte received.
 */
static __always_inline void fill_counters(struct sp_connection *record, struct tcp_sock *tp,
					  const struct sock *sk)
{
	record->counters.bytes_sent = tp->bytes_sent - tp->bytes_retrans;
	record->counters.bytes_received = tp->bytes_received;
	if (record->counters.bytes_received && (sk->__sk_common.skc_flags & (1UL << SOCK_DONE)))
		record->counters.bytes_received--;
	record->counters.packets_sent = tp->segs_out;
	record->counters.packets_received = tp->segs_in;
	record->retransmits = tp->total_retrans;
}

/* tcp_compute_delivery_rate() in net/ipv4/tcp.c */
static __always_inline __u64 delivery_rate(struct tcp_sock *tp)
{
	__u32 interval_us = tp->rate_interval_us;

	if (!interval_us)
		return 0;
	return (__u64)tp->rate_delivered * tp->mss_cache * MICROSECONDS_PER_SECOND / interval_us;
}

static __always_inline void fill_quality(struct sp_connection *record, struct tcp_sock *tp)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	struct sp_quality *quality = &record->quality;
	__u32 min_rtt_us = tp->rtt_min.s[0].v;

	record->rtt_us = tp->srtt_us >> 3;
	record->rtt_var_us = tp->mdev_us >> 2;
	quality->delivery_bytes_per_s = delivery_rate(tp);
	quality->min_rtt_us = min_rtt_us == RTT_MIN_UNSET ? 0 : min_rtt_us;
	quality->reorderings = tp->reord_seen;
	quality->out_of_order = tp->rcv_ooopack;
	quality->delivered_ce = tp->delivered_ce;
	quality->lost = tp->lost_out;
	quality->cwnd = tp->snd_cwnd;
	quality->ecn = (BPF_CORE_READ_BITFIELD(tp, ecn_flags) & TCP_ECN_MODE_ANY) != 0;
	quality->zero_window_probes = icsk->icsk_pending == ICSK_TIME_PROBE0 ? icsk->icsk_backoff :
									       0;
}

static __always_inline __u8 closed_first(__u8 state, __u8 reset_sent, __u8 reset_received)
{
	switch (state) {
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_CLOSING:
	case TCP_TIME_WAIT:
		return SP_SIDE_LOCAL;
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		return SP_SIDE_REMOTE;
	}
	if (reset_received)
		return SP_SIDE_REMOTE;
	return reset_sent ? SP_SIDE_LOCAL : SP_SIDE_UNKNOWN;
}

/* Into zeros. At TCP_CLOSE skc_num is already 0 and inet_sport is not. */
static __always_inline void fill_tuple(struct sp_tuple *tuple, struct tcp_sock *tp,
				       const struct sock *sk)
{
	tuple->protocol = IPPROTO_TCP;
	tuple->local_port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	tuple->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	tuple_set_addresses(tuple, sk);
}

/* What was not seen as it happened (a local send error) is a timeout's. */
static __always_inline void fill_retransmit_kinds(struct sp_connection *record,
						  const struct tcp_storage *storage)
{
	__u32 unseen = record->retransmits - storage->retransmits_seen;

	record->quality.retransmits_timeout = storage->retransmits_timeout + unseen;
	record->quality.retransmits_fast = storage->retransmits_fast;
	record->quality.retransmits_probe = storage->retransmits_probe;
	record->known |= SP_KNOWN_RETRANSMIT_KINDS;
}

static __always_inline void fill_owner(struct sp_connection *record,
				       const struct tcp_storage *storage, const struct sock *sk)
{
	record->owner = storage->owner;
	record->owner.netns = sk->__sk_common.skc_net.net->ns.inum;
}

static __always_inline void fill_story(struct sp_connection *record,
				       const struct tcp_storage *storage, const struct sock *sk)
{
	record->id = storage->id;
	fill_owner(record, storage, sk);
	record->started_ns = storage->started_ns;
	record->established_ns = storage->established_ns;
	record->accepted_ns = storage->accepted_ns;
	record->role = storage->role;
	record->is_adopted = storage->is_adopted;
	record->owner_is_listener = storage->owner_is_listener;
	record->is_tallied = storage->is_tallied;
	record->quality.reset_sent = storage->reset_sent;
	record->quality.reset_received = storage->reset_received;
	if (has_reset_hook)
		record->known |= SP_KNOWN_RESETS;
	if (has_retransmit_hook && !storage->is_adopted)
		fill_retransmit_kinds(record, storage);
}

static __always_inline void fill_before(struct sp_connection *record, const struct sock *sk)
{
	struct tcp_adopted *adopted = NULL;

	if (record->is_adopted)
		adopted = bpf_sk_storage_get(&tcp_adopted_sockets, (void *)sk, NULL, 0);
	if (adopted) {
		record->before = adopted->before;
		record->retransmits_before = adopted->retransmits_before;
	}
}

/* A connection whose beginning nobody saw: no owner, no times. */
static __always_inline void fill_unknown_story(struct sp_connection *record, const struct sock *sk)
{
	record->id = new_id();
	__builtin_memset(&record->owner, 0, sizeof(record->owner));
	record->started_ns = 0;
	record->established_ns = 0;
	record->accepted_ns = 0;
	record->role = SP_ROLE_UNKNOWN;
	record->is_adopted = 0;
	record->owner_is_listener = 0;
	record->is_tallied = 0;
	record->owner.netns = sk->__sk_common.skc_net.net->ns.inum;
}

static __always_inline void fill_drops(struct sp_connection *record, const struct sock *sk)
{
	struct tcp_drops *dropped = bpf_sk_storage_get(&tcp_dropped, (void *)sk, NULL, 0);

	if (dropped)
		__builtin_memcpy(record->drops, dropped->drops, sizeof(record->drops));
}
