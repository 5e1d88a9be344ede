// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * connect() that fails before the socket leaves TCP_CLOSE, as for want of a route:
 * no state changes, so only the end of the function tells. What fails later goes
 * through the life cycle.
 */

#include "tcp_sockets.bpf.h"

/*
 * struct sockaddr_in, and how struct sockaddr_in6 begins: of what connect() takes,
 * 16 bytes have a type that lets plain loads through.
 */
struct inet_address {
	__u16 family;
	__u16 port_be;
	__u32 ipv4; /* sin6_flowinfo of struct sockaddr_in6 */
	__u8 ipv6[8];
};

static __always_inline void fill_attempt(struct sp_connection *record, const struct sock *sk,
					 const struct inet_address *remote, bool is_ipv4, int error)
{
	record->id = new_id();
	record->known = SP_KNOWN_COUNTERS | SP_KNOWN(RETRANSMITS);
	record->tuple.protocol = IPPROTO_TCP;
	record->tuple.remote_port = bpf_ntohs(remote->port_be);
	if (is_ipv4)
		tuple_set_ipv4(&record->tuple, sk->__sk_common.skc_rcv_saddr, remote->ipv4);
	else
		tuple_set_addresses(&record->tuple, sk);
	owner_from_task(&record->owner, bpf_get_current_task_btf());
	record->owner.netns = sk->__sk_common.skc_net.net->ns.inum;
	record->started_ns = bpf_ktime_get_boot_ns();
	record->closed_ns = record->started_ns;
	record->role = SP_ROLE_CLIENT;
	record->state = SP_STATE_FAILED;
	record->error = error;
}

static __always_inline int on_error(const struct sock *sk, const struct inet_address *remote,
				    bool is_ipv4, int error)
{
	struct sp_connection *record;

	if (!is_collected(sk))
		return 0;
	record = bpf_ringbuf_reserve(&closed_ring, SP_CONNECTION_SHORT_BYTES, 0);
	if (!record) {
		struct sp_counters none = {};

		count_overflow(SP_OVERFLOW_CLOSED_RING_FULL, &none, 1, 0);
		return 0;
	}
	__builtin_memset(record, 0, SP_CONNECTION_SHORT_BYTES);
	fill_attempt(record, sk, remote, is_ipv4, error);
	bpf_ringbuf_submit(record, ring_wakeup(&closed_ring, CLOSED_RING_BYTES));
	return 0;
}

/* What failed after SYN_SENT was reported when the socket went back to TCP_CLOSE. */
static __always_inline bool is_reported(const struct sock *sk)
{
	struct tcp_storage *storage = storage_find(sk);

	return storage && storage->phase == PHASE_CLOSED;
}

static __always_inline bool is_wrong_use(int result)
{
	return result == -EINVAL || result == -EAFNOSUPPORT;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(tcp_connect_v4_fexit, struct sock *sk, void *uaddr, int size, int result)
{
	if (result >= 0 || is_wrong_use(result) || is_reported(sk))
		return 0;
	return on_error(sk, uaddr, true, -result);
}

/*
 * Hands ::ffff:a.b.c.d to tcp_v4_connect(). The socket has its remote address by the
 * time that a route is looked for; a multicast address, which TCP cannot use, fails
 * earlier.
 */
SEC("fexit/tcp_v6_connect")
int BPF_PROG(tcp_connect_v6_fexit, struct sock *sk, void *uaddr, int size, int result)
{
	const struct inet_address *remote = uaddr;

	if (result >= 0 || is_wrong_use(result) || is_reported(sk) || remote->ipv6[0] == 0xff ||
	    is_v4_mapped(sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32))
		return 0;
	return on_error(sk, remote, false, -result);
}
