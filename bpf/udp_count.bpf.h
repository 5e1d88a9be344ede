/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/* Counting a datagram into its flow: what the UDP hooks of every tier share. */

#include "count.bpf.h"
#include "owner.bpf.h"
#include "udp_flow.bpf.h"

#define UDP_HEADER_SIZE 8

/* Settings: which families to count, by the packet's version. */
extern const volatile bool collect_udp_v4;
extern const volatile bool collect_udp_v6;

/* One end of a datagram. */
struct udp_end {
	__u32 address[4]; /* network order; IPv4 as ::ffff:a.b.c.d */
	__u16 port;
};

static __always_inline void end_set_ipv4(struct udp_end *end, __u32 address)
{
	end->address[0] = 0;
	end->address[1] = 0;
	end->address[2] = bpf_htonl(0xffff);
	end->address[3] = address;
}

static __always_inline bool is_collected(const struct udp_end *remote)
{
	if (collect_udp_v4 && collect_udp_v6) /* known to the verifier, so the rest goes */
		return true;
	return is_v4_mapped(remote->address) ? collect_udp_v4 : collect_udp_v6;
}

/* One datagram, or the segments of one GSO send. */
struct datagram {
	struct sp_udp_key key;
	__u32 payload_bytes;
	__u32 n_packets;
	bool is_sent;
};

static __always_inline void key_set(struct sp_udp_key *key, const struct udp_end *remote,
				    __u64 socket_cookie)
{
	__builtin_memcpy(key->remote, remote->address, sizeof(key->remote));
	key->socket_and_port = socket_cookie << 16 | remote->port;
}

static __always_inline void counters_add(struct sp_counters *counters, const struct datagram *d)
{
	if (d->is_sent) {
		__sync_fetch_and_add(&counters->bytes_sent, d->payload_bytes);
		__sync_fetch_and_add(&counters->packets_sent, d->n_packets);
	} else {
		__sync_fetch_and_add(&counters->bytes_received, d->payload_bytes);
		__sync_fetch_and_add(&counters->packets_received, d->n_packets);
	}
}

static __always_inline void lose_datagram(__u32 cause, const struct datagram *d)
{
	struct sp_counters lost = {};

	counters_add(&lost, d);
	count_overflow(cause, &lost, 0, 0);
}

/* The time first: whoever finds the tick noted relies on it. */
static __always_inline void flow_seen(struct udp_flow *flow)
{
	__u64 tick = bpf_jiffies64();

	if (flow->last_tick == tick)
		return;
	flow->last_seen_ns = bpf_ktime_get_ns();
	flow->last_tick = tick;
}

static __always_inline void flow_count(struct udp_flow *flow, const struct datagram *d)
{
	flow_seen(flow);
	if (__sync_fetch_and_add(&flow->gate, 1) & GATE_EXPIRED)
		lose_datagram(SP_OVERFLOW_UDP_EXPIRING, d);
	else
		counters_add(&flow->counters, d);
}

/* Once for each flow, so not inlined into the hooks. */
static __noinline int flow_add(const struct datagram *d, const struct udp_end *local,
			       const struct sp_owner *owner)
{
	struct udp_flow flow = {};
	struct udp_flow *existing;

	if (!d || !local)
		return 0;
	flow.id = new_id();
	flow.started_ns = bpf_ktime_get_boot_ns();
	flow_seen(&flow);
	flow.tuple.protocol = IPPROTO_UDP;
	flow.tuple.local_port = local->port;
	flow.tuple.remote_port = d->key.socket_and_port;
	tuple_set_ipv6(&flow.tuple, local->address, d->key.remote);
	flow.role = d->is_sent ? SP_ROLE_CLIENT : SP_ROLE_SERVER;
	if (owner)
		flow.owner = *owner;
	bpf_map_update_elem(&udp_flows, &d->key, &flow, BPF_NOEXIST);
	/* Another CPU may have been first; either way the flow is there now. */
	existing = bpf_map_lookup_elem(&udp_flows, &d->key);
	if (!existing) {
		lose_datagram(SP_OVERFLOW_UDP_TABLE_FULL, d);
		return 0;
	}
	flow_count(existing, d);
	return 0;
}
