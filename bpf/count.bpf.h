/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/* Counting, and handing over records: what each hook does at its end. */

#include "maps.bpf.h"

extern __u64 last_id;

/*
 * An id of our own, for what has no socket cookie to itself. Cookies count up
 * from 1 and stay below this bit; above it, 2^53 ids are still exact in JSON.
 */
static __always_inline __u64 new_id(void)
{
	return SP_OWN_ID_BIT | (__sync_fetch_and_add(&last_id, 1) + 1);
}

static __always_inline void count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&events, &which);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* Softirq may interrupt a process on the same CPU, hence the atomic adds. */
static __always_inline void count_overflow(__u32 cause, const struct sp_counters *lost,
					   __u64 n_connections, __u64 retransmits)
{
	struct sp_overflow *sum = bpf_map_lookup_elem(&overflow, &cause);

	if (!sum)
		return;
	__sync_fetch_and_add(&sum->counters.bytes_sent, lost->bytes_sent);
	__sync_fetch_and_add(&sum->counters.bytes_received, lost->bytes_received);
	__sync_fetch_and_add(&sum->counters.packets_sent, lost->packets_sent);
	__sync_fetch_and_add(&sum->counters.packets_received, lost->packets_received);
	__sync_fetch_and_add(&sum->connections, n_connections);
	__sync_fetch_and_add(&sum->retransmits, retransmits);
}

/*
 * Nobody waits for a single record, so user space is woken only when a ring
 * fills up; it also empties the rings before it answers a request.
 */
static __always_inline __u64 ring_wakeup(void *ring, __u64 size_bytes)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= size_bytes / 4 ? BPF_RB_FORCE_WAKEUP :
									      BPF_RB_NO_WAKEUP;
}
