// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
#include "maps.bpf.h"

struct overflow_map overflow SEC(".maps");
struct events_map events SEC(".maps");
struct closed_ring_map closed_ring SEC(".maps");

__u64 last_id;

char LICENSE[] SEC("license") = "GPL";
