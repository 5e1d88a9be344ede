/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/*
 * UDP: the kernel keeps no count per remote, so these programs do. One flow is
 * one (socket, remote address and port), with the local address that its first
 * datagram had; it ends when idle for long enough.
 *
 * Counting and expiry meet without a lock in `gate`, the number of datagrams
 * that entered: expiry may only set GATE_EXPIRED in the value it saw while the
 * flow was idle, so no datagram is ever added to a record already handed over.
 */

#include "maps.bpf.h"

#define GATE_EXPIRED (1ULL << 63)

struct udp_flow {
	__u64 gate;
	__u64 last_seen_ns; /* CLOCK_MONOTONIC, in the tick of the last datagram */
	__u64 last_tick; /* jiffies of last_seen_ns: within one nobody reads a clock again */
	struct sp_counters counters;
	__u64 id;
	__u64 started_ns;
	struct sp_tuple tuple;
	struct sp_owner owner;
	__u8 role;
	__u8 pad[7];
};

/*
 * Hooks add and count, expiry closes, user space then deletes, the snapshot reads. When
 * full, a datagram of a new flow goes to overflow[SP_OVERFLOW_UDP_TABLE_FULL].
 * Entries are allocated on demand: 24 + 160 bytes each, and the hash's own.
 */
struct udp_flows_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct sp_udp_key);
	__type(value, struct udp_flow);
};
extern struct udp_flows_map udp_flows SEC(".maps");

/*
 * Who opened a UDP socket. Socket creation and adoption write, the first
 * datagram of a flow reads, the kernel frees it with the socket. When an
 * allocation fails the flow has no owner.
 */
struct udp_sockets_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sp_owner);
};
extern struct udp_sockets_map udp_sockets SEC(".maps");
