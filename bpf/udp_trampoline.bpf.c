// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * UDP in the trampoline tier: only functions that UDP alone runs through. A
 * datagram counts as received when an application has taken it.
 */

#include <stddef.h>

#include "udp_count.bpf.h"

/*
 * Linux 6.2 (a35b9af4ec2c): with it plain loads reach a packet. Older kernels, 6.1 among
 * them, pay for helpers in read_packet(), which goes with them.
 */
extern void *bpf_rdonly_cast(const void *address, __u32 btf_id) __ksym __weak;
#define CAST(type, address) \
	((type *)bpf_rdonly_cast(address, bpf_core_type_id_kernel(type)))

/* How a packet begins, for one read of it all: each read costs more than what follows. */
union packet_start {
	__u8 version; /* in the upper half */
	struct {
		__u8 before[12];
		__u32 addresses[2];
		__u16 ports[2]; /* unless there are options */
	} ipv4;
	struct {
		__u8 before[8];
		__u32 addresses[2][4];
		__u16 ports[2]; /* unless there are extension headers */
	} ipv6;
};

static __always_inline void load_end(struct udp_end *end, struct sk_buff *skb, bool is_source)
{
	struct udphdr *udp = CAST(struct udphdr, skb->head + skb->transport_header);
	struct iphdr *ipv4 = CAST(struct iphdr, skb->head + skb->network_header);
	struct ipv6hdr *ipv6 = CAST(struct ipv6hdr, skb->head + skb->network_header);
	struct in6_addr *address = is_source ? &ipv6->saddr : &ipv6->daddr;

	end->port = bpf_ntohs(is_source ? udp->source : udp->dest);
	if (BPF_CORE_READ_BITFIELD(ipv4, version) == 4) {
		end_set_ipv4(end, is_source ? ipv4->saddr : ipv4->daddr);
		return;
	}
#pragma unroll
	for (int i = 0; i < 4; i++)
		end->address[i] = address->in6_u.u6_addr32[i];
}

/* The same without bpf_rdonly_cast; an error where the packet's memory cannot be read. */
static __always_inline long read_end(struct udp_end *end, struct sk_buff *skb, bool is_source)
{
	__u32 header_size = skb->transport_header - skb->network_header;
	union packet_start start;
	__u32 usual_size;
	__u16 port;
	long r;

	r = bpf_probe_read_kernel(&start, sizeof(start), skb->head + skb->network_header);
	if (r)
		return r;
	if (start.version >> 4 == 4) {
		end_set_ipv4(end, start.ipv4.addresses[!is_source]);
		port = start.ipv4.ports[!is_source];
		usual_size = offsetof(union packet_start, ipv4.ports);
	} else {
		__builtin_memcpy(end->address, start.ipv6.addresses[!is_source],
				 sizeof(end->address));
		port = start.ipv6.ports[!is_source];
		usual_size = offsetof(union packet_start, ipv6.ports);
	}
	if (header_size != usual_size)
		r = bpf_probe_read_kernel(&port, sizeof(port),
					  skb->head + skb->transport_header +
						  (is_source ? 0 : sizeof(port)));
	end->port = bpf_ntohs(port);
	return r;
}

static __always_inline long get_end(struct udp_end *end, struct sk_buff *skb, bool is_source)
{
	if (!bpf_rdonly_cast)
		return read_end(end, skb, is_source);
	load_end(end, skb, is_source);
	return 0;
}

static __always_inline __u32 n_segments(struct sk_buff *skb)
{
	struct skb_shared_info *shared = (void *)(skb->head + skb->end);
	unsigned short n = 0;

	if (bpf_rdonly_cast)
		n = CAST(struct skb_shared_info, shared)->gso_segs;
	else
		(void)bpf_core_read(&n, sizeof(n), &shared->gso_segs); /* on failure: one */
	return n ?: 1;
}

/* A load where it has one already, which is after its first datagram at the latest. */
static __always_inline __u64 socket_cookie(struct sock *sk)
{
	return sk->__sk_common.skc_cookie.counter ?: bpf_get_socket_cookie(sk);
}

static __always_inline int on_first(const struct datagram *d, struct sock *sk, struct sk_buff *skb)
{
	struct sp_owner owner = {};
	struct udp_end local = {};

	if (get_end(&local, skb, d->is_sent))
		return 0;
	owner_from_task(&owner, bpf_get_current_task_btf());
	owner.netns = sk->__sk_common.skc_net.net->ns.inum;
	return flow_add(d, &local, &owner);
}

static __always_inline int on_datagram(struct sock *sk, struct sk_buff *skb, __u32 payload_bytes,
				       bool is_sent)
{
	struct datagram d = {
		.payload_bytes = payload_bytes,
		.n_packets = is_sent ? n_segments(skb) : 1,
		.is_sent = is_sent,
	};
	struct udp_end remote;
	struct udp_flow *flow;

	if (get_end(&remote, skb, !is_sent) || !is_collected(&remote))
		return 0;
	key_set(&d.key, &remote, socket_cookie(sk));
	flow = bpf_map_lookup_elem(&udp_flows, &d.key);
	if (!flow)
		return on_first(&d, sk, skb);
	flow_count(flow, &d);
	return 0;
}

static __always_inline int on_sent(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	__u32 headers = skb->transport_header - skb->network_header + UDP_HEADER_SIZE;

	if (!sk || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	return on_datagram(sk, skb, skb->len - headers, true);
}

SEC("fentry/ip_send_skb")
int BPF_PROG(udp_sent_ipv4_fentry, struct net *net, struct sk_buff *skb)
{
	return on_sent(skb);
}

SEC("fentry/ip6_send_skb")
int BPF_PROG(udp_sent_ipv6_fentry, struct sk_buff *skb)
{
	return on_sent(skb);
}

/* `len` is negative when the datagram was only peeked at. */
SEC("fentry/skb_consume_udp")
int BPF_PROG(udp_received_fentry, struct sock *sk, struct sk_buff *skb, int len)
{
	if (len < 0 || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	return on_datagram(sk, skb, skb->len, false);
}
