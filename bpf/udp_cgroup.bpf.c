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

/* Offset of the UDP header; 0 if there is none. */
static __always_inline __u32 find_udp(__u8 *ip, void *data_end)
{
	__u32 ipv4_size = (ip[0] & 0xf) * 4;

	if (ip[0] >> 4 != 6)
		return ipv4_size < IPV4_MIN_HEADER_SIZE ? 0 : ipv4_size;
	return (void *)(ip + IPV6_HEADER_SIZE) > data_end ? 0 : skip_extensions(ip, data_end);
}

/* False where the packet's first bytes, those the program may see, end too early. */
static __always_inline bool parse_end(struct udp_end *end, __u8 *ip, __u32 udp_offset,
				      void *data_end, bool is_source)
{
	__u8 *udp = ip + udp_offset;

	/* One register for check and use: the verifier tracks no copies made before. */
	asm volatile("" : "+r"(udp));
	if ((void *)(udp + UDP_HEADER_SIZE) > data_end)
		return false;
	end->port = bpf_ntohs(((__u16 *)udp)[!is_source]);
	if (ip[0] >> 4 != 6) {
		end_set_ipv4(end, ((__u32 *)(ip + 12))[!is_source]);
		return true;
	}
	if ((void *)(ip + IPV6_HEADER_SIZE) > data_end)
		return false;
	__builtin_memcpy(end->address, ip + (is_source ? 8 : 24), sizeof(end->address));
	return true;
}

/* Only here is it asked whose packet it is: a flow is made for UDP sockets alone. */
static __always_inline void on_first(struct __sk_buff *skb, const struct datagram *d,
				     const struct udp_end *local)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return;
	sk = bpf_sk_fullsock(sk);
	if (sk && sk->protocol == IPPROTO_UDP)
		flow_add(d, local, bpf_sk_storage_get(&udp_sockets, sk, NULL, 0));
}

static __always_inline int on_packet(struct __sk_buff *skb, bool is_sent)
{
	__u8 *ip = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct udp_end local, remote;
	struct datagram d = {};
	struct udp_flow *flow;
	__u32 udp_offset;

	if ((void *)(ip + IPV4_MIN_HEADER_SIZE) > data_end)
		return PASS;
	if (ip[0] >> 4 == 4 ? ip[9] != IPPROTO_UDP : ip[6] == IPPROTO_TCP)
		return PASS;
	udp_offset = find_udp(ip, data_end);
	if (!udp_offset || !parse_end(&remote, ip, udp_offset, data_end, !is_sent) ||
	    !is_collected(&remote))
		return PASS;
	d.payload_bytes = skb->len - udp_offset - UDP_HEADER_SIZE;
	d.n_packets = skb->gso_segs ?: 1;
	d.is_sent = is_sent;
	key_set(&d.key, &remote, bpf_get_socket_cookie(skb));
	flow = bpf_map_lookup_elem(&udp_flows, &d.key);
	if (flow)
		flow_count(flow, &d);
	else if (parse_end(&local, ip, udp_offset, data_end, is_sent))
		on_first(skb, &d, &local);
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
