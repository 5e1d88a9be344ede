/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/* Whose socket it is: reads of a task and of a socket's addresses. */

#include "kernel.bpf.h"
#include "sp_types.h"

static __always_inline void owner_from_task(struct sp_owner *owner, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	owner->tgid = task->tgid;
	owner->process_start_ns = leader->start_boottime;
	owner->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	/* Plain loads: no helper copies a string under lockdown. */
	((__u64 *)owner->comm)[0] = ((__u64 *)leader->comm)[0];
	((__u64 *)owner->comm)[1] = ((__u64 *)leader->comm)[1];
}

/* ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2 */
static __always_inline bool is_v4_mapped(const __u32 *address)
{
	return address[0] == 0 && address[1] == 0 && address[2] == bpf_htonl(0xffff);
}

static __always_inline void tuple_set_ipv4(struct sp_tuple *tuple, __u32 local, __u32 remote)
{
	tuple->family = SP_IPV4;
	__builtin_memcpy(tuple->local, &local, sizeof(local));
	__builtin_memcpy(tuple->remote, &remote, sizeof(remote));
}

static __always_inline void tuple_set_ipv6(struct sp_tuple *tuple, const __u32 *local,
					   const __u32 *remote)
{
	if (is_v4_mapped(remote)) {
		tuple_set_ipv4(tuple, local[3], remote[3]);
		return;
	}
	tuple->family = SP_IPV6;
	__builtin_memcpy(tuple->local, local, 16);
	__builtin_memcpy(tuple->remote, remote, 16);
}

/* Addresses of a connected socket; ports are the caller's. */
static __always_inline void tuple_set_addresses(struct sp_tuple *tuple, const struct sock *sk)
{
	const struct sock_common *common = &sk->__sk_common;
	__u32 local[4], remote[4];

	if (common->skc_family == AF_INET) {
		tuple_set_ipv4(tuple, common->skc_rcv_saddr, common->skc_daddr);
		return;
	}
#pragma unroll
	for (int i = 0; i < 4; i++) {
		local[i] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[i];
		remote[i] = common->skc_v6_daddr.in6_u.u6_addr32[i];
	}
	tuple_set_ipv6(tuple, local, remote);
}

/* The socket behind the file that a task_file iterator stands on, or NULL. */
static __always_inline struct sock *iterated_sock(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file; /* the verifier knows this copy is not NULL */
	struct socket *socket = file ? bpf_sock_from_file(file) : NULL;

	return socket ? socket->sk : NULL;
}
