// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * What goes wrong with a TCP connection while it lives: retransmits, resets,
 * drops. These run in the moment of trouble, never for a segment that arrives.
 */

#include "tcp_sockets.bpf.h"

static __always_inline __u32 *retransmits_of_kind(struct tcp_storage *storage, __u8 ca_state)
{
	switch (ca_state) {
	case TCP_CA_LOSS:
		return &storage->retransmits_timeout;
	case TCP_CA_RECOVERY:
		return &storage->retransmits_fast;
	default:
		return &storage->retransmits_probe;
	}
}

/*
 * Runs after tcp_sock.total_retrans went up by the segments sent again. The
 * socket is locked by its caller, so plain additions do.
 */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_tp_btf, const struct sock *sk)
{
	struct tcp_storage *storage = storage_find(sk);
	struct tcp_sock *tp = storage ? bpf_skc_to_tcp_sock((void *)sk) : NULL;
	struct inet_connection_sock *icsk;

	if (!tp)
		return 0;
	icsk = &tp->inet_conn;
	*retransmits_of_kind(storage, BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state)) +=
		tp->total_retrans - storage->retransmits_seen;
	storage->retransmits_seen = tp->total_retrans;
	return 0;
}

/* `sk` is the listener: the connection is only a request as yet. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_synack_tp_btf, const struct sock *sk)
{
	struct tcp_storage *storage = storage_find(sk);

	if (storage)
		__sync_fetch_and_add(&storage->synack_retransmits, 1);
	return 0;
}

/*
 * Since Linux 6.10 also called without a socket, which not every verifier knows: some
 * leave the check out, so nothing may be read before the look-up, which checks again.
 * A listener's reset, to a stray segment, is no connection's.
 */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset_tp_btf, const struct sock *sk)
{
	struct tcp_storage *storage;

	if (!sk)
		return 0;
	storage = storage_find(sk);
	if (storage && sk->__sk_common.skc_state != TCP_LISTEN)
		storage->reset_sent = 1;
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset_tp_btf, struct sock *sk)
{
	struct tcp_storage *storage = storage_find(sk);

	if (storage && is_abort_on_data(storage, sk, sk->__sk_common.skc_state))
		storage->reset_sent = 1;
	else if (storage)
		storage->reset_received = 1;
	return 0;
}
