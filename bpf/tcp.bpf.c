// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * TCP: the kernel counts, these programs only remember who and when. State
 * lives with the socket; a program runs when a socket changes state and when a
 * snapshot is asked for, never when data moves.
 */

#include "count.bpf.h"
#include "owner.bpf.h"

/* Settings: which families of sockets to look at (AF_INET6 includes v4-mapped). */
const volatile bool collect_tcp_v4 = true;
const volatile bool collect_tcp_v6 = true;

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
	struct sp_owner owner;
	__u8 role;
	__u8 phase;
	__u8 is_adopted;
	__u8 pad[5];
};

/*
 * One per TCP socket; the life cycle, accept and adoption write, a snapshot
 * reads, the kernel frees it with the socket. No size limit; when an allocation
 * fails the connection is still reported at its close, without an owner.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct tcp_storage);
} tcp_sockets SEC(".maps");

struct tcp_adopted {
	struct sp_counters before;
	__u32 retransmits_before;
	__u32 pad;
};

/*
 * What an adopted socket had counted when it was adopted. Adoption writes,
 * snapshot and close read, the kernel frees it with the socket.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tcp_adopted);
} tcp_adopted_sockets SEC(".maps");

static __always_inline struct tcp_storage *storage_create(const struct sock *sk)
{
	struct tcp_storage *storage = bpf_sk_storage_get(&tcp_sockets, (void *)sk, NULL,
							 BPF_SK_STORAGE_GET_F_CREATE);

	if (!storage)
		count(SP_EVENT_SOCKET_STORAGE_FAILED);
	return storage;
}

static __always_inline void storage_set_owner(struct tcp_storage *storage, struct task_struct *task,
					      const struct sock *sk)
{
	owner_from_task(&storage->owner, task);
	storage->owner.netns = sk->__sk_common.skc_net.net->ns.inum;
}

/* The second connection of one socket cannot have its cookie for an id as well. */
static __always_inline void storage_begin(struct tcp_storage *storage, const struct sock *sk,
					  __u8 role)
{
	storage->id = storage->phase == PHASE_CLOSED ? new_id() :
						       bpf_get_socket_cookie((void *)sk);
	storage->is_adopted = 0;
	storage->role = role;
	storage->phase = PHASE_LIVE;
	storage->started_ns = bpf_ktime_get_boot_ns();
	storage->established_ns = 0;
}

/* tcp_v4_connect() and tcp_v6_connect(), in the caller's context. */
static __always_inline void on_connect(const struct sock *sk)
{
	struct tcp_storage *storage = storage_create(sk);

	if (!storage)
		return;
	storage_begin(storage, sk, SP_ROLE_CLIENT);
	storage_set_owner(storage, bpf_get_current_task_btf(), sk);
}

static __always_inline void on_listen(const struct sock *sk)
{
	struct tcp_storage *storage = storage_create(sk);

	if (!storage)
		return;
	storage->phase = PHASE_LISTENING;
	storage_set_owner(storage, bpf_get_current_task_btf(), sk);
}

/*
 * Softirq context. A passive socket carries its listener's storage (BPF_F_CLONE)
 * when the listener was known; else its owner stays unknown until accept.
 */
static __always_inline void on_established(const struct sock *sk, int oldstate)
{
	struct tcp_storage *storage = storage_create(sk);

	if (!storage)
		return;
	if (storage->phase != PHASE_LIVE)
		storage_begin(storage, sk,
			      oldstate == TCP_SYN_SENT ? SP_ROLE_CLIENT : SP_ROLE_SERVER);
	storage->established_ns = bpf_ktime_get_boot_ns();
	storage->owner.netns = sk->__sk_common.skc_net.net->ns.inum;
}

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
	record->known = SP_KNOWN_COUNTERS | SP_KNOWN(RETRANSMITS);
	record->rtt_us = tp->srtt_us >> 3;
	record->rtt_var_us = tp->mdev_us >> 2;
}

/* At TCP_CLOSE skc_num is already 0 and inet_sport is not. */
static __always_inline void fill_tuple(struct sp_tuple *tuple, struct tcp_sock *tp,
				       const struct sock *sk)
{
	__builtin_memset(tuple, 0, sizeof(*tuple));
	tuple->protocol = IPPROTO_TCP;
	tuple->local_port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	tuple->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	tuple_set_addresses(tuple, sk);
}

static __always_inline void fill_story(struct sp_connection *record,
				       const struct tcp_storage *storage)
{
	record->id = storage->id;
	record->owner = storage->owner;
	record->started_ns = storage->started_ns;
	record->established_ns = storage->established_ns;
	record->role = storage->role;
	record->is_adopted = storage->is_adopted;
}

static __always_inline void fill_before(struct sp_connection *record, const struct sock *sk)
{
	struct tcp_adopted *adopted = NULL;

	if (record->is_adopted)
		adopted = bpf_sk_storage_get(&tcp_adopted_sockets, (void *)sk, NULL, 0);
	if (adopted) {
		record->before = adopted->before;
		record->retransmits_before = adopted->retransmits_before;
	} else {
		__builtin_memset(&record->before, 0, sizeof(record->before));
		record->retransmits_before = 0;
	}
}

/* A connection whose beginning nobody saw: no owner, no times. */
static __always_inline void fill_unknown_story(struct sp_connection *record, const struct sock *sk)
{
	record->id = new_id();
	__builtin_memset(&record->owner, 0, sizeof(record->owner));
	record->owner.netns = sk->__sk_common.skc_net.net->ns.inum;
	record->started_ns = 0;
	record->established_ns = 0;
	record->role = SP_ROLE_UNKNOWN;
	record->is_adopted = 0;
}

static __always_inline void lose_closed(struct tcp_sock *tp, const struct sock *sk)
{
	struct sp_connection lost = {};

	fill_counters(&lost, tp, sk);
	count_overflow(SP_OVERFLOW_CLOSED_RING_FULL, &lost.counters, 1, lost.retransmits);
}

static __always_inline void emit_closed(const struct sock *sk, struct tcp_storage *storage,
					int oldstate)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	struct sp_connection *record;

	if (!tp)
		return;
	record = bpf_ringbuf_reserve(&closed_ring, sizeof(*record), 0);
	if (!record) {
		lose_closed(tp, sk);
		return;
	}
	if (storage)
		fill_story(record, storage);
	else
		fill_unknown_story(record, sk);
	fill_before(record, sk);
	fill_tuple(&record->tuple, tp, sk);
	fill_counters(record, tp, sk);
	record->closed_ns = bpf_ktime_get_boot_ns();
	record->error = sk->sk_err;
	record->state = oldstate == TCP_SYN_SENT || oldstate == TCP_SYN_RECV ? SP_STATE_FAILED :
									       SP_STATE_CLOSED;
	bpf_ringbuf_submit(record, ring_wakeup(&closed_ring, CLOSED_RING_BYTES));
}

static __always_inline void on_close(const struct sock *sk, int oldstate)
{
	struct tcp_storage *storage = bpf_sk_storage_get(&tcp_sockets, (void *)sk, NULL, 0);

	if (oldstate == TCP_CLOSE || (storage && storage->phase == PHASE_CLOSED))
		return;
	if (storage && oldstate == TCP_SYN_RECV && storage->phase == PHASE_LISTENING)
		storage_begin(storage, sk, SP_ROLE_SERVER);
	if (storage)
		storage->phase = PHASE_CLOSED;
	if (oldstate == TCP_LISTEN)
		return;
	emit_closed(sk, storage, oldstate);
}

static __always_inline bool is_collected(const struct sock *sk)
{
	if (sk->sk_protocol != IPPROTO_TCP)
		return false;
	return sk->__sk_common.skc_family == AF_INET ? collect_tcp_v4 : collect_tcp_v6;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state_tp_btf, const struct sock *sk, int oldstate, int newstate)
{
	if (!is_collected(sk))
		return 0;
	switch (newstate) {
	case TCP_SYN_SENT:
		on_connect(sk);
		break;
	case TCP_LISTEN:
		on_listen(sk);
		break;
	case TCP_ESTABLISHED:
		on_established(sk, oldstate);
		break;
	case TCP_CLOSE:
		on_close(sk, oldstate);
		break;
	}
	return 0;
}

/* The worker that accepts takes over from the listener that it inherited. */
static __always_inline int on_accept(struct sock *sk)
{
	struct tcp_storage *storage;

	if (!sk)
		return 0;
	storage = bpf_sk_storage_get(&tcp_sockets, sk, NULL, 0);
	if (storage)
		storage_set_owner(storage, bpf_get_current_task_btf(), sk);
	return 0;
}

/* Linux 6.10 folded the arguments into a struct (92ef0fd55ac8). */
SEC("fexit/inet_csk_accept")
int BPF_PROG(tcp_accept_fexit, struct sock *sk, void *arg, struct sock *newsk)
{
	return on_accept(newsk);
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(tcp_accept_fexit_old, struct sock *sk, int flags, int *err, bool kern,
	     struct sock *newsk)
{
	return on_accept(newsk);
}

/* Live connections, one struct sp_connection each. */
SEC("iter/bpf_sk_storage_map")
int tcp_dump_iter(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct tcp_storage *storage = ctx->value;
	struct sock *sk = ctx->sk;
	struct sp_connection record = {};
	struct tcp_sock *tp;

	if (!storage || !sk || storage->phase != PHASE_LIVE)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	fill_story(&record, storage);
	fill_before(&record, sk);
	fill_tuple(&record.tuple, tp, sk);
	fill_counters(&record, tp, sk);
	record.state = SP_STATE_OPEN;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

static __always_inline void remember_before(struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct sp_connection now = {};
	struct tcp_adopted *adopted;

	if (!tp)
		return;
	adopted = bpf_sk_storage_get(&tcp_adopted_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!adopted) {
		count(SP_EVENT_SOCKET_STORAGE_FAILED);
		return;
	}
	fill_counters(&now, tp, sk);
	adopted->before = now.counters;
	adopted->retransmits_before = now.retransmits;
}

/* A socket older than the probe: its counters are complete, its times unknown. */
static __always_inline void tcp_adopt(struct task_struct *task, struct sock *sk)
{
	unsigned char state = sk->__sk_common.skc_state;
	struct tcp_storage *storage;

	if (state == TCP_CLOSE)
		return;
	storage = storage_create(sk);
	if (!storage || storage->owner.tgid)
		return;
	storage_set_owner(storage, task, sk);
	if (state == TCP_LISTEN) {
		storage->phase = PHASE_LISTENING;
	} else if (storage->phase == PHASE_NEW) {
		storage->id = bpf_get_socket_cookie(sk);
		storage->phase = PHASE_LIVE;
		storage->is_adopted = 1;
		remember_before(sk);
	}
}

SEC("iter/task_file")
int tcp_adopt_iter(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = iterated_sock(ctx);

	if (task && sk && is_collected(sk))
		tcp_adopt(task, sk);
	return 0;
}
