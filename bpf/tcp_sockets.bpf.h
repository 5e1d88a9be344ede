/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/* What is known of each TCP socket beyond what the kernel counts in it. */

#include "count.bpf.h"
#include "owner.bpf.h"

/* Settings: which families of sockets to look at (AF_INET6 includes v4-mapped). */
extern const volatile bool collect_tcp_v4;
extern const volatile bool collect_tcp_v6;

enum tcp_phase {
	PHASE_NEW,       /* storage just created */
	PHASE_LISTENING, /* also: cloned from a listener, not yet established */
	PHASE_LIVE,
	PHASE_CLOSED, /* its final record was handed over */
};

struct tcp_storage {
	__u64 id;
	__u64 started_ns;
	__u64 established_ns;
	__u64 accepted_ns;
	struct sp_owner owner; /* without its netns, which is the socket's */
	__u32 retransmits_seen; /* of tcp_sock.total_retrans: those below are its parts */
	__u32 retransmits_timeout;
	__u32 retransmits_fast;
	__u32 retransmits_probe;
	__u32 synack_retransmits; /* of a listener */
	__u32 data_segments_at_fin; /* tcp_sock.data_segs_in when reads_no_more was set */
	__u8 role;
	__u8 phase;
	__u8 is_adopted;
	__u8 owner_is_listener;
	__u8 reset_sent;
	__u8 reset_received;
	__u8 reads_no_more; /* since its own FIN: close(), or shutdown() both ways */
	__u8 is_tallied;    /* counted as begun, and not yet as ended */
};

/*
 * One per TCP socket; the life cycle, accept and adoption write, a snapshot
 * reads, the kernel frees it with the socket. No size limit; when an allocation
 * fails the connection is still reported at its close, without an owner.
 */
struct tcp_sockets_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct tcp_storage);
};
extern struct tcp_sockets_map tcp_sockets SEC(".maps");

struct tcp_adopted {
	struct sp_counters before;
	__u32 retransmits_before;
	__u32 pad;
};

/*
 * What an adopted socket had counted when it was adopted. Adoption writes,
 * snapshot and close read, the kernel frees it with the socket.
 */
struct tcp_adopted_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tcp_adopted);
};
extern struct tcp_adopted_map tcp_adopted_sockets SEC(".maps");

struct tcp_drops {
	struct sp_drop drops[SP_MAX_DROP_REASONS];
};

/*
 * Packets dropped for a socket; only where drops are collected. kfree_skb writes,
 * snapshot and close read, the kernel frees it with the socket.
 */
struct tcp_drops_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tcp_drops);
};
extern struct tcp_drops_map tcp_dropped SEC(".maps");

static __always_inline bool is_collected(const struct sock *sk)
{
	if (sk->sk_protocol != IPPROTO_TCP)
		return false;
	if (collect_tcp_v4 && collect_tcp_v6) /* known to the verifier, so the rest goes */
		return true;
	return sk->__sk_common.skc_family == AF_INET ? collect_tcp_v4 : collect_tcp_v6;
}

/*
 * Its storage is still its listener's: it was accepted before the handshake is over, by
 * TCP Fast Open, or the kernel left out the run that would have begun it. Others are so
 * for a moment only.
 */
static __always_inline bool is_child_not_begun(const struct tcp_storage *storage, int state)
{
	return storage->phase == PHASE_LISTENING && state != TCP_LISTEN && state != TCP_CLOSE;
}

static __always_inline struct tcp_storage *storage_find(const struct sock *sk)
{
	return bpf_sk_storage_get(&tcp_sockets, (void *)sk, NULL, 0);
}

static __always_inline struct tcp_storage *storage_create(const struct sock *sk)
{
	struct tcp_storage *storage = bpf_sk_storage_get(&tcp_sockets, (void *)sk, NULL,
							 BPF_SK_STORAGE_GET_F_CREATE);

	if (!storage)
		count(SP_EVENT_SOCKET_STORAGE_FAILED);
	return storage;
}

/*
 * The kernel answers data that nobody will read with a reset and closes the socket
 * first, either with tcp_reset(), as if it had received one, or with no error at all
 * (TCPAbortOnData, tcp_rcv_state_process()).
 */
static __always_inline bool is_abort_on_data(const struct tcp_storage *storage,
					     const struct sock *sk, int state)
{
	struct tcp_sock *tp;

	if (!storage->reads_no_more || (state != TCP_FIN_WAIT1 && state != TCP_FIN_WAIT2) ||
	    sk->__sk_common.skc_flags & (1UL << SOCK_DONE))
		return false;
	tp = bpf_skc_to_tcp_sock((void *)sk);
	return tp && tp->data_segs_in != storage->data_segments_at_fin;
}

/*
 * Where the socket's own lock is held, so that each is counted once, and at adoption, the
 * first that is known of a socket. Accept is no such place: it may meet the end of the
 * handshake on another CPU.
 */
static __always_inline void tally_begin(struct tcp_storage *storage)
{
	storage->is_tallied = 1;
	count(SP_EVENT_TCP_BEGUN);
}

static __always_inline void tally_end(struct tcp_storage *storage)
{
	if (!storage->is_tallied)
		return;
	storage->is_tallied = 0;
	count(SP_EVENT_TCP_ENDED);
}

static __always_inline void storage_set_owner(struct tcp_storage *storage, struct task_struct *task)
{
	owner_from_task(&storage->owner, task);
	storage->owner_is_listener = 0;
}
