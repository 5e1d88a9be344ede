// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * TCP: the kernel counts, these programs only remember who and when. State
 * lives with the socket; a program runs when a socket changes state, never when
 * data moves. What goes wrong meanwhile is in tcp_trouble.bpf.c, how live ones
 * are read in tcp_dump.bpf.c.
 */

#include "tcp_record.bpf.h"

const volatile bool collect_tcp_v4 = true;
const volatile bool collect_tcp_v6 = true;

/* Settings: connection attempts that fail, and packets dropped for a socket. */
const volatile bool collect_tcp_failed = true;
const volatile bool collect_drops = false;

/* Whether accept itself is hooked, so that nobody has to guess who accepted. */
const volatile bool has_accept_hook = false;

/* What records may say is known. */
const volatile bool has_retransmit_hook = true;
const volatile bool has_reset_hook = true;

struct tcp_sockets_map tcp_sockets SEC(".maps");
struct tcp_adopted_map tcp_adopted_sockets SEC(".maps");
struct tcp_drops_map tcp_dropped SEC(".maps");

/* Not those of a child in its handshake, which begins only when that is over. */
static __always_inline void storage_forget_resets(struct tcp_storage *storage)
{
	storage->reset_sent = 0;
	storage->reset_received = 0;
}

/*
 * The second connection of one socket cannot have its cookie for an id as well.
 * A child begins with the retransmits of its SYN-ACK.
 */
static __always_inline void storage_begin(struct tcp_storage *storage, const struct sock *sk,
					  __u8 role, __u64 now_ns)
{
	struct tcp_sock *tp = role == SP_ROLE_SERVER ? bpf_skc_to_tcp_sock((void *)sk) : NULL;

	if (storage->phase == PHASE_CLOSED)
		storage_forget_resets(storage);
	storage->id = storage->phase == PHASE_CLOSED ? new_id() :
						       bpf_get_socket_cookie((void *)sk);
	storage->is_adopted = 0;
	storage->owner_is_listener = role == SP_ROLE_SERVER;
	storage->role = role;
	storage->phase = PHASE_LIVE;
	storage->started_ns = now_ns;
	storage->established_ns = 0;
	storage->accepted_ns = 0;
	storage->retransmits_seen = tp ? tp->total_retrans : 0;
	storage->retransmits_timeout = storage->retransmits_seen;
	storage->retransmits_fast = 0;
	storage->retransmits_probe = 0;
	storage->synack_retransmits = 0;
	storage->reads_no_more = 0;
}

static __always_inline void storage_end(struct tcp_storage *storage)
{
	storage->phase = PHASE_CLOSED;
	tally_end(storage);
}

/* tcp_v4_connect() and tcp_v6_connect(), in the caller's context. */
static __always_inline void on_connect(const struct sock *sk)
{
	struct tcp_storage *storage = storage_create(sk);

	if (!storage)
		return;
	storage_begin(storage, sk, SP_ROLE_CLIENT, bpf_ktime_get_boot_ns());
	tally_begin(storage);
	storage_set_owner(storage, bpf_get_current_task_btf());
}

static __always_inline void on_listen(const struct sock *sk)
{
	struct tcp_storage *storage = storage_create(sk);

	if (!storage)
		return;
	storage->id = bpf_get_socket_cookie((void *)sk);
	storage_forget_resets(storage);
	storage->phase = PHASE_LISTENING;
	storage->is_tallied = 0;
	storage->started_ns = bpf_ktime_get_boot_ns();
	storage_set_owner(storage, bpf_get_current_task_btf());
}

/*
 * Softirq context. A passive socket carries its listener's storage (BPF_F_CLONE)
 * when the listener was known; else its owner stays unknown until accept.
 */
static __always_inline void on_established(const struct sock *sk, int oldstate)
{
	struct tcp_storage *storage = storage_create(sk);
	__u64 now_ns = bpf_ktime_get_boot_ns();

	if (!storage)
		return;
	if (storage->phase != PHASE_LIVE)
		storage_begin(storage, sk,
			      oldstate == TCP_SYN_SENT ? SP_ROLE_CLIENT : SP_ROLE_SERVER, now_ns);
	storage->established_ns = now_ns;
	if (!storage->is_tallied)
		tally_begin(storage);
}

/*
 * A socket's own FIN or abort goes out in the context of who closes it. That is
 * who accepted, where nobody else said so. Not so for a kernel thread, which
 * closes what others left.
 */
static __always_inline void owner_is_closer(struct tcp_storage *storage)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!has_accept_hook && storage->owner_is_listener && !(task->flags & PF_KTHREAD))
		storage_set_owner(storage, task);
}

static __always_inline void remember_fin(struct tcp_storage *storage, const struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);

	if (!tp)
		return;
	storage->reads_no_more = sk->sk_shutdown & RCV_SHUTDOWN;
	storage->data_segments_at_fin = tp->data_segs_in;
}

static __always_inline void on_fin(const struct sock *sk, int newstate)
{
	struct tcp_storage *storage;

	if (has_accept_hook && newstate != TCP_FIN_WAIT1)
		return;
	storage = storage_find(sk);
	if (!storage)
		return;
	owner_is_closer(storage);
	if (newstate == TCP_FIN_WAIT1)
		remember_fin(storage, sk);
}

static __always_inline void lose_closed(struct tcp_sock *tp, const struct sock *sk)
{
	struct sp_connection lost = {};

	fill_counters(&lost, tp, sk);
	count_overflow(SP_OVERFLOW_CLOSED_RING_FULL, &lost.counters, 1, lost.retransmits);
}

#define STATE_UNKNOWN 0

static __always_inline bool is_before_established(int state)
{
	return state == TCP_SYN_SENT || state == TCP_SYN_RECV;
}

/*
 * sk_err is still 0 when the program itself gives up (tcp_disconnect() sets it
 * later), and when no local port was free.
 */
static __always_inline __u8 error_of(const struct sock *sk, const struct sp_tuple *tuple,
				     int oldstate)
{
	int error = sk->sk_err;

	if (error || oldstate != TCP_SYN_SENT)
		return error;
	return tuple->local_port ? ECANCELED : EADDRNOTAVAIL;
}

/* The part behind SP_CONNECTION_SHORT_BYTES. */
static __always_inline void fill_rest(struct sp_connection *record, const struct sock *sk)
{
	__builtin_memset(&record->before, 0, sizeof(*record) - SP_CONNECTION_SHORT_BYTES);
	fill_before(record, sk);
	if (collect_drops)
		fill_drops(record, sk);
}

/*
 * What the functions below may leave out. The rest they all fill: clearing it as well, in
 * memory that no cache has, is some percent of a connection.
 */
static __always_inline void clear_rest(struct sp_connection *record)
{
	__builtin_memset(&record->tuple, 0, sizeof(record->tuple));
	__builtin_memset(&record->quality, 0, sizeof(record->quality));
	record->retransmits_before = 0;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
}

/* Short where it can be: memory of the ring is in no cache, and clearing it is a large part. */
static __always_inline void emit_closed(const struct sock *sk, struct tcp_storage *storage,
					int oldstate)
{
	bool is_whole = collect_drops || (storage && storage->is_adopted);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	struct sp_connection *record;

	if (!tp)
		return;
	if (is_whole)
		record = bpf_ringbuf_reserve(&closed_ring, sizeof(*record), 0);
	else
		record = bpf_ringbuf_reserve(&closed_ring, SP_CONNECTION_SHORT_BYTES, 0);
	if (!record) {
		lose_closed(tp, sk);
		return;
	}
	clear_rest(record);
	record->known = SP_KNOWN_COUNTERS | SP_KNOWN_QUALITY;
	fill_counters(record, tp, sk);
	fill_quality(record, tp);
	if (storage)
		fill_story(record, storage, sk);
	else
		fill_unknown_story(record, sk);
	fill_tuple(&record->tuple, tp, sk);
	record->closed_ns = bpf_ktime_get_boot_ns();
	record->error = error_of(sk, &record->tuple, oldstate);
	record->quality.tcp_state = oldstate;
	if (oldstate == STATE_UNKNOWN)
		record->known &= ~SP_KNOWN(TCP_STATE);
	record->quality.closed_first = closed_first(oldstate, record->quality.reset_sent,
						    record->quality.reset_received);
	record->state = is_before_established(oldstate) ? SP_STATE_FAILED : SP_STATE_CLOSED;
	if (is_whole)
		fill_rest(record, sk);
	bpf_ringbuf_submit(record, ring_wakeup(&closed_ring, CLOSED_RING_BYTES));
}

/*
 * From an established state straight to TCP_CLOSE, with no error and nothing
 * heard from the peer: close() with data unread or with SO_LINGER 0. Both send
 * their reset after this (tcp_close(), tcp_disconnect()).
 */
static __always_inline bool is_abort(const struct tcp_storage *storage, const struct sock *sk,
				     int oldstate)
{
	return (oldstate == TCP_ESTABLISHED || oldstate == TCP_CLOSE_WAIT) && sk->sk_err == 0 &&
	       !storage->reset_received;
}

/* A child that never was established; of another the beginning was not seen. */
static __always_inline __u64 child_start_ns(int oldstate)
{
	return oldstate == TCP_SYN_RECV ? bpf_ktime_get_boot_ns() : 0;
}

static __always_inline void on_close(const struct sock *sk, int oldstate)
{
	struct tcp_storage *storage = storage_find(sk);

	if (oldstate == TCP_CLOSE || (storage && storage->phase == PHASE_CLOSED))
		return;
	if (storage && storage->phase == PHASE_LISTENING && oldstate != TCP_LISTEN)
		storage_begin(storage, sk, SP_ROLE_SERVER, child_start_ns(oldstate));
	if (storage && is_abort(storage, sk, oldstate)) {
		storage->reset_sent = 1;
		owner_is_closer(storage);
	}
	if (storage && sk->sk_err == 0 && is_abort_on_data(storage, sk, oldstate))
		storage->reset_sent = 1;
	if (storage)
		storage_end(storage);
	if (oldstate == TCP_LISTEN)
		return;
	if (!collect_tcp_failed && is_before_established(oldstate))
		count(SP_EVENT_TCP_FAILED_LEFT_OUT);
	else
		emit_closed(sk, storage, oldstate);
}

#define STATES_WITH_NEWS                                                               \
	(1 << TCP_SYN_SENT | 1 << TCP_LISTEN | 1 << TCP_ESTABLISHED | 1 << TCP_FIN_WAIT1 | \
	 1 << TCP_LAST_ACK | 1 << TCP_CLOSE)

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state_tp_btf, const struct sock *sk, int oldstate, int newstate)
{
	if (!(STATES_WITH_NEWS >> newstate & 1) || !is_collected(sk))
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
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		on_fin(sk, newstate);
		break;
	case TCP_CLOSE:
		on_close(sk, oldstate);
		break;
	}
	return 0;
}

/* Never connected in the first place, as far as it is known. */
static __always_inline bool is_attempt(const struct tcp_storage *storage)
{
	return storage->role == SP_ROLE_CLIENT && !storage->established_ns && !storage->is_adopted;
}

/*
 * The kernel leaves out a run that meets the same program on the same CPU: one that a
 * softirq, or another task, interrupted. Those of other states cost a name or a time;
 * that of an end would cost the whole connection. So the socket's destruction, a moment
 * later, asks whether its end was told; which state came before is not known by then.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_tp_btf, struct sock *sk)
{
	struct tcp_storage *storage = storage_find(sk); /* only what is collected has one */

	if (!storage)
		return 0;
	count(SP_EVENT_TCP_FREED);
	if (storage->phase != PHASE_LIVE)
		return 0;
	storage_end(storage);
	if (!collect_tcp_failed && is_attempt(storage))
		count(SP_EVENT_TCP_FAILED_LEFT_OUT);
	else
		emit_closed(sk, storage, is_attempt(storage) ? TCP_SYN_SENT : STATE_UNKNOWN);
	return 0;
}

/* The worker that accepts takes over from the listener that it inherited. */
static __always_inline int on_accept(struct sock *sk)
{
	struct tcp_storage *storage;

	if (!sk)
		return 0;
	storage = storage_find(sk);
	if (!storage)
		return 0;
	if (is_child_not_begun(storage, sk->__sk_common.skc_state))
		storage_begin(storage, sk, SP_ROLE_SERVER, bpf_ktime_get_boot_ns());
	storage_set_owner(storage, bpf_get_current_task_btf());
	storage->accepted_ns = bpf_ktime_get_boot_ns();
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
