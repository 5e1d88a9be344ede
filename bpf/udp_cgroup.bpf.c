// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * UDP in the tracepoint tier: cgroup_skb at the root of cgroup v2 sees every
 * packet of every socket and leaves at once unless it is UDP. A datagram counts
 * as received when it reached its socket, before the receive buffer is checked.
 */

#include "udp_count.bpf.h"

#define IPV4_MIN_HEADER_SIZE 20
#define IPV6_HEADER_SIZE 40
#define MAX_EXTENSION_HEADERS 4
#define PASS 1

static __always_inline bool set_ports(struct datagram *d, __u8 *udp, void *data_end)
{
	__u16 *ports;

	/* One register for check and use: the verifier tracks no copies made before. */
	asm volatile("" : "+r"(udp));
	ports = (__u16 *)udp;
	if ((void *)(udp + UDP_HEADER_SIZE) > data_end)
		return false;
	d->key.tuple.local_port = bpf_ntohs(d->is_sent ? ports[0] : ports[1]);
	d->key.tuple.remote_port = bpf_ntohs(d->is_sent ? ports[1] : ports[0]);
	return true;
}

static __always_inline bool parse_ipv4(struct datagram *d, __u8 *ip, void *data_end)
{
	__u32 header_size = (ip[0] & 0xf) * 4;
	__u32 *addresses = (__u32 *)(ip + 12);

	if (header_size < IPV4_MIN_HEADER_SIZE)
		return false;
	if (d->is_sent)
		tuple_set_ipv4(&d->key.tuple, addresses[0], addresses[1]);
	else
		tuple_set_ipv4(&d->key.tuple, addresses[1], addresses[0]);
	d->payload_bytes -= header_size + UDP_HEADER_SIZE;
	return set_ports(d, ip + header_size, data_end);
}

/*
 * RFC 8200: hop-by-hop, routing and destination options may stand before UDP.
 * Returns the offset of the UDP header, 0 if there is none.
 */
static __always_inline __u32 skip_extensions(__u8 *ip, void *data_end)
{
	__u32 offset = IPV6_HEADER_SIZE;
	__u8 type = ip[6];

#pragma unroll
	for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		__u8 *next = ip + offset;

		if (type == IPPROTO_UDP)
			return offset;
		if ((type != 0 && type != 43 && type != 60) || (void *)(next + 8) > data_end)
			return 0;
		type = next[0];
		offset += (next[1] + 1) * 8;
	}
	return 0;
}

static __always_inline bool parse_ipv6(struct datagram *d, __u8 *ip, void *data_end)
{
	__u32 *source = (__u32 *)(ip + 8), *destination = (__u32 *)(ip + 24);
	__u32 header_size;

	if ((void *)(ip + IPV6_HEADER_SIZE) > data_end)
		return false;
	header_size = skip_extensions(ip, data_end);
	if (!header_size)
		return false;
	if (d->is_sent)
		tuple_set_ipv6(&d->key.tuple, source, destination);
	else
		tuple_set_ipv6(&d->key.tuple, destination, source);
	d->payload_bytes -= header_size + UDP_HEADER_SIZE;
	return set_ports(d, ip + header_size, data_end);
}

/* Only here is it asked whose packet it is: a flow is made for UDP sockets alone. */
static __always_inline void count_first(struct __sk_buff *skb, const struct datagram *d)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return;
	sk = bpf_sk_fullsock(sk);
	if (sk && sk->protocol == IPPROTO_UDP && is_collected(&d->key.tuple))
		flow_add(d, bpf_sk_storage_get(&udp_sockets, sk, NULL, 0));
}

static __always_inline int on_packet(struct __sk_buff *skb, bool is_sent)
{
	__u8 *ip = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct datagram d = {};
	struct udp_flow *flow;

	if ((void *)(ip + IPV4_MIN_HEADER_SIZE) > data_end)
		return PASS;
	if (ip[0] >> 4 == 4 ? ip[9] != IPPROTO_UDP : ip[6] == IPPROTO_TCP)
		return PASS;
	d.key.tuple.protocol = IPPROTO_UDP;
	d.payload_bytes = skb->len;
	d.is_sent = is_sent;
	if (!(ip[0] >> 4 == 6 ? parse_ipv6(&d, ip, data_end) : parse_ipv4(&d, ip, data_end)))
		return PASS;
	d.key.socket_cookie = bpf_get_socket_cookie(skb);
	d.n_packets = skb->gso_segs ?: 1;
	flow = bpf_map_lookup_elem(&udp_flows, &d.key);
	if (flow)
		flow_count(flow, &d);
	else
		count_first(skb, &d);
	return PASS;
}

SEC("cgroup_skb/egress")
int udp_sent_cgroup_skb(struct __sk_buff *skb)
{
	return on_packet(skb, true);
}

SEC("cgroup_skb/ingress")
int udp_received_cgroup_skb(struct __sk_buff *skb)
{
	return on_packet(skb, false);
}

/* socket(2), in its caller's context: packets pass in anybody's. */
SEC("cgroup/sock_create")
int udp_socket_cgroup(struct bpf_sock *ctx)
{
	struct task_struct *task;
	struct sp_owner *owner;

	if (ctx->protocol != IPPROTO_UDP)
		return PASS;
	owner = bpf_sk_storage_get(&udp_sockets, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner) {
		count(SP_EVENT_SOCKET_STORAGE_FAILED);
		return PASS;
	}
	task = bpf_get_current_task_btf();
	owner_from_task(owner, task);
	owner->netns = task->nsproxy->net_ns->ns.inum;
	return PASS;
}
