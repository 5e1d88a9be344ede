/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the probe hooks into, and with which programs: for each hook an ordered
 * list of variants, best first, and a pure chooser over what a kernel loads.
 */

#include <stdbool.h>
#include <stddef.h>

enum tier {
	TIER_NONE,
	TIER_NETLINK,    /* sock_diag, no BPF */
	TIER_TRACEPOINT, /* BTF tracepoints, iterators, cgroup programs */
	TIER_TRAMPOLINE, /* also fentry and fexit */
};

const char *tier_name(enum tier tier);

enum hook_id {
	HOOK_TCP,
	HOOK_TCP_ADOPT,
	HOOK_ACCEPT,
	HOOK_CONNECT_ERROR,
	HOOK_RETRANSMIT,
	HOOK_RESET,
	HOOK_DROP,
	HOOK_UDP,
	HOOK_UDP_ADOPT,
	HOOK_EXEC,
	HOOK_EXIT,
	N_HOOKS,
};

#define HOOK_MAX_PROGRAMS 5
#define HOOK_MAX_VARIANTS 4

struct hook_variant {
	const char *name; /* NULL ends the list */
	enum tier tier;   /* least tier that has it */
	const char *programs[HOOK_MAX_PROGRAMS + 1]; /* all must load; none: nothing to load */
	const char *lacks; /* what it cannot give, or NULL */
	bool needs_cgroup_root; /* programs attach to the root of cgroup v2 */
};

struct hook {
	const char *name;
	const char *without; /* what users miss when no variant loads */
	struct hook_variant variants[HOOK_MAX_VARIANTS + 1];
};

extern const struct hook hooks[N_HOOKS];

/* Whether this kernel takes `program`: 0 or negative errno. */
typedef int hook_try_program(const char *program, void *context);

struct hook_choice {
	const struct hook_variant *variant; /* NULL: none loads, or switched off */
	/*
	 * Best variant that does not load, or NULL. Where none loads: the one that
	 * asks least, whose obstacle is the one to remove.
	 */
	const struct hook_variant *refused;
	const char *refused_program;
	int refused_error; /* negative errno */
};

/*
 * Choose for one hook among the variants up to `max_tier`. Tries programs in the
 * order of the table and none beyond the first variant that loads whole. Variants of
 * TIER_NETLINK are left out unless that is the most.
 */
struct hook_choice hook_choose(const struct hook *hook, enum tier max_tier,
			       hook_try_program *try_program, void *context);

#define HOOKS_MAX_PROGRAMS (N_HOOKS * HOOK_MAX_PROGRAMS)

/*
 * The programs that nearly every kernel takes: those of the best variant of each hook
 * among the variants of TIER_TRACEPOINT. Returns how many.
 */
size_t hooks_usual_programs(const bool is_wanted[N_HOOKS], const char *ret[HOOKS_MAX_PROGRAMS]);

/*
 * Choose for all hooks that are wanted; the others get an empty choice. Without BPF for
 * TCP everything may be read by sock_diag, else nothing is: not for the sake of one
 * hook are its rights kept.
 */
void hooks_choose(struct hook_choice choices[N_HOOKS], const bool is_wanted[N_HOOKS],
		  enum tier max_tier, hook_try_program *try_program, void *context);

/* Whether anything was chosen that sock_diag gives. */
bool hooks_need_netlink(const struct hook_choice choices[N_HOOKS]);

/* Tier that a set of choices amounts to; netlink where TCP is read so. */
enum tier hooks_tier(const struct hook_choice choices[N_HOOKS]);
