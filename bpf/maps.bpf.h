/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/*
 * Every map, declared here; each defined in the one .bpf.c that owns it, except
 * those all of them count into, which maps.bpf.c defines.
 */

#include "kernel.bpf.h"
#include "sp_types.h"

/* Key: enum sp_overflow_cause. Any program adds; user space reads. Never full. */
struct overflow_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SP_N_OVERFLOW_CAUSES);
	__type(key, __u32);
	__type(value, struct sp_overflow);
};
extern struct overflow_map overflow SEC(".maps");

/* Key: enum sp_event_counter. Any program adds; user space reads. Never full. */
struct events_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SP_N_EVENT_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
};
extern struct events_map events SEC(".maps");

/*
 * Final records of TCP connections, struct sp_connection. The life cycle writes
 * (UDP flows end through an iterator); user space reads when asked, or when woken
 * at a quarter full. When full, the record goes to
 * overflow[SP_OVERFLOW_CLOSED_RING_FULL].
 */
#define CLOSED_RING_BYTES (1 << 21)
struct closed_ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CLOSED_RING_BYTES);
};
extern struct closed_ring_map closed_ring SEC(".maps");
