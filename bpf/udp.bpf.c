// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/* UDP flows: their maps, snapshot, expiry and the owners of older sockets. */

#include "count.bpf.h"
#include "owner.bpf.h"
#include "udp_flow.bpf.h"

struct udp_flows_map udp_flows SEC(".maps");
struct udp_sockets_map udp_sockets SEC(".maps");

const volatile bool collect_udp_v4 = true;
const volatile bool collect_udp_v6 = true;

/* Nanoseconds without a datagram after which a flow has ended: one-way, both ways. */
const volatile __u64 udp_idle_ns = 30000000000ULL;
const volatile __u64 udp_stream_idle_ns = 120000000000ULL;

static __always_inline void fill_flow(struct sp_connection *record, const struct udp_flow *flow)
{
	record->id = flow->id;
	record->known = SP_KNOWN_COUNTERS;
	record->tuple = flow->tuple;
	record->owner = flow->owner;
	record->counters = flow->counters;
	record->started_ns = flow->started_ns;
	record->role = flow->role;
}

/*
 * Live flows, one struct sp_connection each. One that expiry has closed and not yet
 * handed over (the reader's buffer was full) is in no other place: it is live.
 */
SEC("iter/bpf_map_elem")
int udp_dump_iter(struct bpf_iter__bpf_map_elem *ctx)
{
	struct sp_connection record = {};
	struct udp_flow *flow = ctx->value;

	if (!flow)
		return 0;
	fill_flow(&record, flow);
	record.state = SP_STATE_OPEN;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

static __always_inline bool is_idle(const struct udp_flow *flow, __u64 now_ns)
{
	bool is_stream = flow->counters.packets_sent && flow->counters.packets_received;
	__u64 limit_ns = is_stream ? udp_stream_idle_ns : udp_idle_ns;
	__u64 last_seen_ns = flow->last_seen_ns;

	return now_ns > last_seen_ns && now_ns - last_seen_ns > limit_ns;
}

/* Of the last datagram, on the clock of records, which goes on during suspend. */
static __always_inline __u64 ended_ns(const struct udp_flow *flow)
{
	__u64 suspended_ns = bpf_ktime_get_boot_ns() - bpf_ktime_get_ns();
	__u64 time_ns = flow->last_seen_ns + suspended_ns;

	return time_ns < flow->started_ns ? flow->started_ns : time_ns;
}

/*
 * Close idle flows and write a struct sp_expired_flow for each; user space then
 * deletes them. A flow closed before and not deleted (the reader's buffer was
 * full) is written again.
 */
SEC("iter/bpf_map_elem")
int udp_expire_iter(struct bpf_iter__bpf_map_elem *ctx)
{
	struct sp_expired_flow expired = {};
	struct udp_flow *flow = ctx->value;
	struct sp_udp_key *key = ctx->key;
	__u64 gate;

	if (!key || !flow)
		return 0;
	gate = *(volatile __u64 *)&flow->gate;
	if (!(gate & GATE_EXPIRED)) {
		if (!is_idle(flow, bpf_ktime_get_ns()))
			return 0;
		if (__sync_val_compare_and_swap(&flow->gate, gate, gate | GATE_EXPIRED) != gate)
			return 0;
	}
	fill_flow(&expired.connection, flow);
	expired.connection.state = SP_STATE_CLOSED;
	expired.connection.closed_ns = ended_ns(flow);
	expired.key = *key;
	bpf_seq_write(ctx->meta->seq, &expired, sizeof(expired));
	return 0;
}

/* Owners of UDP sockets older than the probe; the first process found wins. */
SEC("iter/task_file")
int udp_adopt_iter(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = iterated_sock(ctx);
	struct sp_owner *owner;

	if (!task || !sk || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	owner = bpf_sk_storage_get(&udp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner) {
		count(SP_EVENT_SOCKET_STORAGE_FAILED);
		return 0;
	}
	if (owner->tgid)
		return 0;
	owner_from_task(owner, task);
	owner->netns = sk->__sk_common.skc_net.net->ns.inum;
	return 0;
}
