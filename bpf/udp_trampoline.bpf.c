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
		__u32 addresses[8];
		__u16 ports[2]; /* unless there are extension headers */
	} ipv6;
};

static __always_inline void set_ports(struct datagram *d, const __u16 ports[2])
{
	d->key.tuple.local_port = bpf_ntohs(d->is_sent ? ports[0] : ports[1]);
	d->key.tuple.remote_port = bpf_ntohs(d->is_sent ? ports[1] : ports[0]);
}

/* False where the packet's memory cannot be read. */
static __always_inline bool read_ports(struct datagram *d, struct sk_buff *skb)
{
	__u16 ports[2];

	if (bpf_probe_read_kernel(ports, sizeof(ports), skb->head + skb->transport_header))
		return false;
	set_ports(d, ports);
	return true;
}

static __always_inline void load_ipv6(struct datagram *d, struct ipv6hdr *ip)
{
	__u32 source[4], destination[4];

#pragma unroll
	for (int i = 0; i < 4; i++) {
		source[i] = ip->saddr.in6_u.u6_addr32[i];
		destination[i] = ip->daddr.in6_u.u6_addr32[i];
	}
	if (d->is_sent)
		tuple_set_ipv6(&d->key.tuple, source, destination);
	else
		tuple_set_ipv6(&d->key.tuple, destination, source);
}

static __always_inline void load_packet(struct datagram *d, struct sk_buff *skb)
{
	struct udphdr *udp = CAST(struct udphdr, skb->head + skb->transport_header);
	struct iphdr *ip = CAST(struct iphdr, skb->head + skb->network_header);
	__u16 ports[2] = { udp->source, udp->dest };

	set_ports(d, ports);
	if (BPF_CORE_READ_BITFIELD(ip, version) != 4)
		load_ipv6(d, CAST(struct ipv6hdr, skb->head + skb->network_header));
	else if (d->is_sent)
		tuple_set_ipv4(&d->key.tuple, ip->saddr, ip->daddr);
	else
		tuple_set_ipv4(&d->key.tuple, ip->daddr, ip->saddr);
}

/* Addresses as on the wire; false where the packet's memory cannot be read. */
static __always_inline bool read_packet(struct datagram *d, struct sk_buff *skb)
{
	__u32 header_size = skb->transport_header - skb->network_header;
	union packet_start start;

	if (bpf_probe_read_kernel(&start, sizeof(start), skb->head + skb->network_header))
		return false;
	if (start.version >> 4 == 4) {
		tuple_set_ipv4(&d->key.tuple, start.ipv4.addresses[!d->is_sent],
			       start.ipv4.addresses[d->is_sent]);
		set_ports(d, start.ipv4.ports);
		return header_size == offsetof(union packet_start, ipv4.ports) || read_ports(d, skb);
	}
	if (d->is_sent)
		tuple_set_ipv6(&d->key.tuple, start.ipv6.addresses, start.ipv6.addresses + 4);
	else
		tuple_set_ipv6(&d->key.tuple, start.ipv6.addresses + 4, start.ipv6.addresses);
	set_ports(d, start.ipv6.ports);
	return header_size == offsetof(union packet_start, ipv6.ports) || read_ports(d, skb);
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

static __always_inline int on_datagram(struct sock *sk, struct sk_buff *skb, __u32 payload_bytes,
				       bool is_sent)
{
	struct datagram d = {
		.key.tuple.protocol = IPPROTO_UDP,
		.key.socket_cookie = bpf_get_socket_cookie(sk),
		.payload_bytes = payload_bytes,
		.n_packets = is_sent ? n_segments(skb) : 1,
		.is_sent = is_sent,
	};
	struct sp_owner owner = {};
	struct udp_flow *flow;

	if (bpf_rdonly_cast)
		load_packet(&d, skb);
	else if (!read_packet(&d, skb))
		return 0;
	if (!is_collected(&d.key.tuple))
		return 0;
	flow = bpf_map_lookup_elem(&udp_flows, &d.key);
	if (flow) {
		flow_count(flow, &d);
		return 0;
	}
	owner_from_task(&owner, bpf_get_current_task_btf());
	owner.netns = sk->__sk_common.skc_net.net->ns.inum;
	return flow_add(&d, &owner);
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
