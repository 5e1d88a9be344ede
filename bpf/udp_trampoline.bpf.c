// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * UDP in the trampoline tier: only functions that UDP alone runs through. A
 * datagram counts as received when an application has taken it.
 */

#include "udp_count.bpf.h"

/* Addresses as on the wire; false where the packet's memory cannot be read. */
static __always_inline bool read_packet(struct datagram *d, struct sk_buff *skb)
{
	const unsigned char *ip = skb->head + skb->network_header;
	const unsigned char *udp = skb->head + skb->transport_header;
	__u32 addresses[8];
	__u16 ports[2];
	__u8 version;

	if (bpf_probe_read_kernel(&version, sizeof(version), ip) ||
	    bpf_probe_read_kernel(ports, sizeof(ports), udp))
		return false;
	d->key.tuple.local_port = bpf_ntohs(d->is_sent ? ports[0] : ports[1]);
	d->key.tuple.remote_port = bpf_ntohs(d->is_sent ? ports[1] : ports[0]);
	if (version >> 4 == 4) {
		if (bpf_probe_read_kernel(addresses, 8, ip + 12))
			return false;
		tuple_set_ipv4(&d->key.tuple, addresses[!d->is_sent], addresses[d->is_sent]);
		return true;
	}
	if (bpf_probe_read_kernel(addresses, 32, ip + 8))
		return false;
	if (d->is_sent)
		tuple_set_ipv6(&d->key.tuple, addresses, addresses + 4);
	else
		tuple_set_ipv6(&d->key.tuple, addresses + 4, addresses);
	return true;
}

static __always_inline __u32 n_segments(struct sk_buff *skb)
{
	struct skb_shared_info *shared = (void *)(skb->head + skb->end);
	unsigned short n = 0;

	(void)bpf_core_read(&n, sizeof(n), &shared->gso_segs); /* on failure: one */
	return n ?: 1;
}

static __always_inline int on_datagram(struct sock *sk, struct sk_buff *skb, __u32 payload_bytes,
				       bool is_sent)
{
	struct datagram d = {
		.key.tuple.protocol = IPPROTO_UDP,
		.key.socket_cookie = bpf_get_socket_cookie(sk),
		.time_ns = bpf_ktime_get_ns(), /* tracing has no coarse clock */
		.payload_bytes = payload_bytes,
		.n_packets = is_sent ? n_segments(skb) : 1,
		.is_sent = is_sent,
	};
	struct sp_owner owner = {};
	struct udp_flow *flow;

	if (!read_packet(&d, skb) || !is_collected(&d.key.tuple))
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
