// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * Packets dropped for a TCP socket, by the kernel's reason. Off by default: the
 * hook runs for every packet dropped on the host, by a firewall under attack too.
 */

#include "tcp_sockets.bpf.h"

/* The last slot takes the reasons that found no slot of their own. */
static __always_inline void drops_add(struct tcp_drops *drops, __u32 reason)
{
	int last = SP_MAX_DROP_REASONS - 1;

#pragma unroll
	for (int i = 0; i < SP_MAX_DROP_REASONS - 1; i++) {
		__u32 old = __sync_val_compare_and_swap(&drops->drops[i].reason, 0, reason);

		if (old == 0 || old == reason) {
			__sync_fetch_and_add(&drops->drops[i].packets, 1);
			return;
		}
	}
	__sync_fetch_and_add(&drops->drops[last].packets, 1);
}

static __always_inline int on_drop(struct sock *sk, __u32 reason)
{
	struct tcp_drops *drops;

	if (!sk || !is_collected(sk) || !storage_find(sk))
		return 0;
	drops = bpf_sk_storage_get(&tcp_dropped, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (drops)
		drops_add(drops, reason);
	else
		count(SP_EVENT_SOCKET_STORAGE_FAILED);
	return 0;
}

/* Linux 6.11 tells the receiving socket as well (c53795d48ee8). */
SEC("tp_btf/kfree_skb")
int BPF_PROG(tcp_drop_tp_btf, struct sk_buff *skb, void *location, __u32 reason,
	     struct sock *receiver)
{
	return on_drop(receiver ? receiver : skb->sk, reason);
}

/* Reasons came with Linux 5.17. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(tcp_drop_sent_tp_btf, struct sk_buff *skb, void *location, __u32 reason)
{
	return on_drop(skb->sk, reason);
}
