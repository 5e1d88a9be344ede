/* SPDX-License-Identifier: Apache-2.0 */
#include "hooks.h"

const struct hook hooks[N_HOOKS] = {
	[HOOK_TCP] = {
		.name = "tcp",
		.without = "no TCP connections",
		.variants = { { .name = "tp_btf/inet_sock_set_state", .tier = TIER_TRACEPOINT,
				.programs = { "tcp_state_tp_btf", "tcp_destroy_tp_btf",
					      "tcp_dump_iter" } },
			      { .name = "sock_diag", .tier = TIER_NETLINK,
				.lacks = "errors, resets, kinds of retransmits, times before the "
					 "first look; of what ends before a look: the client's owner, "
					 "attempts refused at once, aborts" } },
	},
	[HOOK_TCP_ADOPT] = {
		.name = "tcp-adopt",
		.without = "TCP connections older than the probe appear when they close",
		.variants = { { .name = "iter/task_file", .tier = TIER_TRACEPOINT,
				.programs = { "tcp_adopt_iter" } },
			      { .name = "sock_diag", .tier = TIER_NETLINK } },
	},
	[HOOK_ACCEPT] = {
		.name = "accept",
		.without = "accepted connections have no owner",
		.variants = {
			{ .name = "fexit/inet_csk_accept", .tier = TIER_TRAMPOLINE,
			  .programs = { "tcp_accept_fexit" } },
			{ .name = "fexit/inet_csk_accept before 6.10", .tier = TIER_TRAMPOLINE,
			  .programs = { "tcp_accept_fexit_old" } },
			{ .name = "listener, then iter/task_file or who closes", .tier = TIER_TRACEPOINT,
			  .lacks = "time of accept; until the next look the listener is named" },
			{ .name = "/proc", .tier = TIER_NETLINK,
			  .lacks = "time of accept; of connections shorter than a look the listener "
				   "is named" },
		},
	},
	[HOOK_CONNECT_ERROR] = {
		.name = "connect-error",
		.without = "connect() that fails for want of a route is not seen",
		.variants = {
			{ .name = "fexit/tcp_v4_connect, tcp_v6_connect", .tier = TIER_TRAMPOLINE,
			  .programs = { "tcp_connect_v4_fexit", "tcp_connect_v6_fexit" } },
			{ .name = "states of the socket", .tier = TIER_TRACEPOINT,
			  .lacks = "connect() that fails for want of a route" },
		},
	},
	[HOOK_RETRANSMIT] = {
		.name = "retransmit",
		.without = "retransmits are counted, not told apart",
		.variants = { { .name = "tp_btf/tcp_retransmit_skb", .tier = TIER_TRACEPOINT,
				.programs = { "tcp_retransmit_tp_btf",
					      "tcp_retransmit_synack_tp_btf" } } },
	},
	[HOOK_RESET] = {
		.name = "reset",
		.without = "resets sent and received are not told from an orderly close",
		.variants = { { .name = "tp_btf/tcp_send_reset, tcp_receive_reset",
				.tier = TIER_TRACEPOINT,
				.programs = { "tcp_send_reset_tp_btf",
					      "tcp_receive_reset_tp_btf" } } },
	},
	[HOOK_DROP] = {
		.name = "drop",
		.without = "dropped packets are not told by reason",
		.variants = {
			{ .name = "tp_btf/kfree_skb", .tier = TIER_TRACEPOINT,
			  .programs = { "tcp_drop_tp_btf" } },
			{ .name = "tp_btf/kfree_skb before 6.11", .tier = TIER_TRACEPOINT,
			  .programs = { "tcp_drop_sent_tp_btf" },
			  .lacks = "packets dropped on their way in" },
		},
	},
	[HOOK_UDP] = {
		.name = "udp",
		.without = "no UDP flows",
		.variants = {
			{ .name = "fentry", .tier = TIER_TRAMPOLINE,
			  .programs = { "udp_sent_ipv4_fentry", "udp_sent_ipv6_fentry",
					"udp_received_fentry", "udp_dump_iter", "udp_expire_iter" } },
			{ .name = "cgroup_skb", .tier = TIER_TRACEPOINT,
			  .programs = { "udp_sent_cgroup_skb", "udp_received_cgroup_skb",
					"udp_socket_cgroup", "udp_dump_iter", "udp_expire_iter" },
			  .lacks = "datagrams dropped for a full receive buffer count as received",
			  .needs_cgroup_root = true },
			{ .name = "sock_diag", .tier = TIER_NETLINK,
			  .lacks = "bytes and packets; sockets that are not connected" },
		},
	},
	[HOOK_UDP_ADOPT] = {
		.name = "udp-adopt",
		.without = "UDP sockets older than the probe have no owner",
		.variants = { { .name = "iter/task_file", .tier = TIER_TRACEPOINT,
				.programs = { "udp_adopt_iter" } },
			      { .name = "/proc", .tier = TIER_NETLINK } },
	},
	[HOOK_EXEC] = {
		.name = "exec",
		.without = "short-lived processes have no command line; no process started since "
			   "the probe has its environment",
		.variants = {
			{ .name = "tp_btf/sched_process_exec", .tier = TIER_TRACEPOINT,
			  .programs = { "process_exec_tp_btf" } },
			{ .name = "tp_btf/sched_process_exec before 5.17", .tier = TIER_TRACEPOINT,
			  .programs = { "process_exec_unlooped_tp_btf" },
			  .lacks = "what stands behind 256 variables, or 64 KiB, in an "
				   "environment" },
			{ .name = "tp_btf/sched_process_exec, bare", .tier = TIER_TRACEPOINT,
			  .programs = { "process_exec_bare_tp_btf" },
			  .lacks = "path and arguments of processes shorter than a poll; the "
				   "environment of all started since the probe" },
		},
	},
	[HOOK_EXIT] = {
		.name = "exit",
		.without = "ends of processes are not logged",
		.variants = {
			{ .name = "tp_btf/sched_process_exit", .tier = TIER_TRACEPOINT,
			  .programs = { "process_exit_tp_btf" } },
			{ .name = "tp_btf/sched_process_exit, bare", .tier = TIER_TRACEPOINT,
			  .programs = { "process_exit_bare_tp_btf" }, .lacks = "cgroup names" },
		},
	},
};

const char *tier_name(enum tier tier)
{
	static const char *const names[] = { "none", "netlink", "tracepoint", "trampoline" };

	return names[tier];
}

static int try_variant(const struct hook_variant *variant, hook_try_program *try_program,
		       void *context, const char **ret_refused)
{
	for (const char *const *program = variant->programs; *program; program++) {
		int r = try_program(*program, context);

		if (r < 0) {
			*ret_refused = *program;
			return r;
		}
	}
	return 0;
}

static struct hook_choice choose_between(const struct hook *hook, enum tier min_tier,
					 enum tier max_tier, hook_try_program *try_program,
					 void *context)
{
	struct hook_choice best = { 0 }, last = { 0 };
	const char *refused;
	int r;

	for (const struct hook_variant *variant = hook->variants; variant->name; variant++) {
		if (variant->tier < min_tier || variant->tier > max_tier)
			continue;
		r = try_variant(variant, try_program, context, &refused);
		if (r == 0) {
			best.variant = variant;
			return best;
		}
		last = (struct hook_choice){ NULL, variant, refused, r };
		if (!best.refused)
			best = last;
	}
	return last;
}

struct hook_choice hook_choose(const struct hook *hook, enum tier max_tier,
			       hook_try_program *try_program, void *context)
{
	enum tier min_tier = max_tier == TIER_NETLINK ? TIER_NETLINK : TIER_TRACEPOINT;

	return choose_between(hook, min_tier, max_tier, try_program, context);
}

/* Their programs work on what HOOK_TCP keeps. */
static bool follows_tcp(enum hook_id id)
{
	return id > HOOK_TCP && id < HOOK_UDP;
}

static bool is_netlink(const struct hook_choice *choice)
{
	return choice->variant && choice->variant->tier == TIER_NETLINK;
}

void hooks_choose(struct hook_choice choices[N_HOOKS], const bool is_wanted[N_HOOKS],
		  enum tier max_tier, hook_try_program *try_program, void *context)
{
	bool is_tcp_netlink = false;

	for (int i = 0; i < N_HOOKS; i++) {
		bool may_be_netlink = i == HOOK_TCP || is_tcp_netlink || max_tier == TIER_NETLINK;
		enum tier max = is_tcp_netlink && follows_tcp(i) ? TIER_NETLINK : max_tier;

		choices[i] = (struct hook_choice){ 0 };
		if (!is_wanted[i])
			continue;
		choices[i] = choose_between(&hooks[i],
					    may_be_netlink ? TIER_NETLINK : TIER_TRACEPOINT, max,
					    try_program, context);
		if (i == HOOK_TCP)
			is_tcp_netlink = is_netlink(&choices[i]);
	}
}

static const struct hook_variant *usual_variant(const struct hook *hook)
{
	for (const struct hook_variant *variant = hook->variants; variant->name; variant++)
		if (variant->tier == TIER_TRACEPOINT)
			return variant;
	return NULL;
}

size_t hooks_usual_programs(const bool is_wanted[N_HOOKS], const char *ret[HOOKS_MAX_PROGRAMS])
{
	size_t n = 0;

	for (int i = 0; i < N_HOOKS; i++) {
		const struct hook_variant *variant = is_wanted[i] ? usual_variant(&hooks[i]) : NULL;

		for (const char *const *program = variant ? variant->programs : NULL;
		     program && *program; program++)
			ret[n++] = *program;
	}
	return n;
}

bool hooks_need_netlink(const struct hook_choice choices[N_HOOKS])
{
	for (int i = 0; i < N_HOOKS; i++)
		if (is_netlink(&choices[i]))
			return true;
	return false;
}

enum tier hooks_tier(const struct hook_choice choices[N_HOOKS])
{
	enum tier best = TIER_NONE;

	if (!choices[HOOK_TCP].variant && !choices[HOOK_UDP].variant)
		return TIER_NONE;
	if (is_netlink(&choices[HOOK_TCP]))
		return TIER_NETLINK;
	for (int i = 0; i < N_HOOKS; i++)
		if (choices[i].variant && choices[i].variant->tier > best)
			best = choices[i].variant->tier;
	return best;
}
