// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/* Reading TCP sockets when somebody asks, and adopting those older than the probe. */

#include "tcp_record.bpf.h"

extern const volatile bool collect_drops;

/*
 * What one read(2) of the iterator found. The iterator fills, user space has it
 * mapped and sets tcp_n_live back before each read. When full, the read ends with
 * EAGAIN and the next one goes on: an iterator's own 32 KiB of output would have it
 * start again ten times as often, each time from the head of its bucket, and
 * the map of socket storages has as few buckets as the machine has CPUs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SP_MAX_LIVE);
	__type(key, __u32);
	__type(value, struct sp_connection);
} tcp_live SEC(".maps");

__u32 tcp_n_live;

#define GO_ON 0
#define STOP_HERE 1 /* read(2) returns EAGAIN, the next begins with this socket */

static __always_inline void fill_listener(struct sp_connection *record, const struct sock *sk,
					  const struct tcp_storage *storage)
{
	record->id = storage->id;
	fill_owner(record, storage, sk);
	record->started_ns = storage->started_ns;
	record->is_adopted = storage->is_adopted;
	record->state = SP_STATE_LISTENING;
	record->role = SP_ROLE_SERVER;
	record->known = SP_KNOWN_LISTENER | SP_KNOWN(TCP_STATE) | SP_KNOWN(SYNACK_RETRANSMITS);
	record->quality.tcp_state = TCP_LISTEN;
	record->listener.accept_queue = sk->sk_ack_backlog;
	record->listener.accept_queue_max = sk->sk_max_ack_backlog;
	record->listener.dropped_attempts = sk->sk_drops.counter;
	record->listener.synack_retransmits = storage->synack_retransmits;
}

static __always_inline void fill_live(struct sp_connection *record, struct tcp_sock *tp,
				      const struct sock *sk, const struct tcp_storage *storage)
{
	__u8 state = sk->__sk_common.skc_state;

	record->known = SP_KNOWN_COUNTERS | SP_KNOWN_QUALITY;
	fill_counters(record, tp, sk);
	fill_quality(record, tp);
	fill_story(record, storage, sk);
	fill_before(record, sk);
	if (collect_drops)
		fill_drops(record, sk);
	record->quality.tcp_state = state;
	record->quality.closed_first = closed_first(state, storage->reset_sent,
						    storage->reset_received);
	record->state = SP_STATE_OPEN;
}

static __always_inline void fill_child_not_begun(struct sp_connection *record, struct tcp_sock *tp,
						 struct sock *sk,
						 const struct tcp_storage *storage)
{
	fill_live(record, tp, sk, storage);
	record->id = bpf_get_socket_cookie(sk);
	record->role = SP_ROLE_SERVER;
	record->owner_is_listener = 1;
	record->is_adopted = 0;
	record->started_ns = 0;
	record->known &= ~SP_KNOWN_RETRANSMIT_KINDS;
}

static __always_inline bool is_shown(const struct tcp_storage *storage, int state)
{
	if (storage->phase == PHASE_LISTENING)
		return state == TCP_LISTEN || is_child_not_begun(storage, state);
	return storage->phase == PHASE_LIVE;
}

/* Live connections and listening sockets. */
SEC("iter/bpf_sk_storage_map")
int tcp_dump_iter(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct tcp_storage *storage = ctx->value;
	struct sock *sk = ctx->sk;
	struct sp_connection *record;
	struct tcp_sock *tp;
	__u32 n = tcp_n_live;
	int state;

	if (!storage || !sk)
		return GO_ON;
	state = sk->__sk_common.skc_state;
	if (!is_shown(storage, state))
		return GO_ON;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return GO_ON;
	record = bpf_map_lookup_elem(&tcp_live, &n);
	if (!record)
		return STOP_HERE;
	__builtin_memset(record, 0, sizeof(*record));
	if (storage->phase == PHASE_LIVE)
		fill_live(record, tp, sk, storage);
	else if (is_child_not_begun(storage, state))
		fill_child_not_begun(record, tp, sk, storage);
	else
		fill_listener(record, sk, storage);
	fill_tuple(&record->tuple, tp, sk);
	tcp_n_live = n + 1;
	return GO_ON;
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

/*
 * A socket older than the probe: its counters are complete, its times unknown.
 * One that only its listener's owner is known of: it is his who holds it open.
 */
static __always_inline void tcp_adopt(struct task_struct *task, struct sock *sk)
{
	unsigned char state = sk->__sk_common.skc_state;
	struct tcp_storage *storage;

	if (state == TCP_CLOSE)
		return;
	storage = storage_create(sk);
	if (!storage || (storage->owner.tgid && !storage->owner_is_listener))
		return;
	storage_set_owner(storage, task);
	if (storage->phase != PHASE_NEW)
		return;
	storage->id = bpf_get_socket_cookie(sk);
	storage->is_adopted = 1;
	storage->phase = state == TCP_LISTEN ? PHASE_LISTENING : PHASE_LIVE;
	if (state == TCP_LISTEN)
		return;
	tally_begin(storage);
	remember_before(sk);
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
