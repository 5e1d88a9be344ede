// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * For measuring alone, no part of the product: the body that the tier trampoline's UDP
 * programs share, on a tracepoint that has a received packet and its socket too, as
 * kernels without fentry have it; and programs that do nothing, for what the kernel's
 * statistics add to each run. Needs Linux 6.11 (c53795d48ee8).
 */

#include "udp_trampoline.bpf.c"

SEC("tp_btf/kfree_skb")
int BPF_PROG(bench_udp_received, struct sk_buff *skb, void *location, __u32 reason,
	     struct sock *sk)
{
	if (!sk || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	return on_datagram(sk, skb, skb->len, false);
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(bench_udp_sent, struct sk_buff *skb, void *location, __u32 reason, struct sock *sk)
{
	if (!sk || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	return on_datagram(sk, skb, skb->len, true);
}

SEC("tp_btf/kfree_skb")
int bench_drop_empty(void *ctx)
{
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int bench_tcp_state_empty(void *ctx)
{
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int bench_destroy_empty(void *ctx)
{
	return 0;
}
