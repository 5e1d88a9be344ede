/* SPDX-License-Identifier: Apache-2.0 */
#include "choice_report.h"

#include <string.h>

#include "kernel_features.h"
#include "log.h"

#define REMEDY_BYTES 256

static const char *remedy_for(const struct hook_choice *choice, int cgroup_error,
			      char buffer[REMEDY_BYTES])
{
	if (cgroup_error < 0 && choice->refused->needs_cgroup_root)
		return "mount cgroup v2 (mount -t cgroup2 none /sys/fs/cgroup/unified), or name its "
		       "root in sysprobe.cgroup_path";
	return kernel_features_remedy(choice->refused_error, buffer, REMEDY_BYTES);
}

static void log_off(const struct hook *hook, const struct hook_choice *choice, int cgroup_error)
{
	char buffer[REMEDY_BYTES];

	log_warn("a hook is off", "hook=%s without=%s program=%s error=%s remedy=%s", hook->name,
		 hook->without, choice->refused_program, strerror(-choice->refused_error),
		 remedy_for(choice, cgroup_error, buffer));
}

static bool is_fallback(const struct hook_choice *choice)
{
	return choice->refused && choice->variant && choice->variant->tier == TIER_NETLINK;
}

/* No BPF for this one, although it was tried. */
static void log_fallback(const struct hook *hook, const struct hook_choice *choice, int cgroup_error)
{
	char buffer[REMEDY_BYTES];

	log_warn("a hook falls back to what needs no BPF",
		 "hook=%s variant=%s refused=%s error=%s lacks=%s remedy=%s", hook->name,
		 choice->variant->name, choice->refused->name, strerror(-choice->refused_error),
		 choice->variant->lacks ? choice->variant->lacks : "nothing",
		 remedy_for(choice, cgroup_error, buffer));
}

static void log_chosen(const struct hook *hook, const struct hook_choice *choice)
{
	if (choice->refused)
		log_info("hook chosen", "hook=%s variant=%s refused=%s error=%s lacks=%s", hook->name,
			 choice->variant->name, choice->refused->name,
			 strerror(-choice->refused_error), choice->variant->lacks);
	else
		log_info("hook chosen", "hook=%s variant=%s", hook->name, choice->variant->name);
}

static bool is_wanted(const struct hook_choice *choice)
{
	return choice->variant || choice->refused;
}

/* A hook whose programs are all refused, although it may go on without any. */
static bool is_refused_whole(const struct hook_choice *choice)
{
	return choice->refused && (!choice->variant || !choice->variant->programs[0]);
}

/* Nothing was tried for it: it goes the way of HOOK_TCP. */
static bool follows(const struct hook_choice *choice)
{
	return choice->variant && choice->variant->tier == TIER_NETLINK && !choice->refused;
}

/* A refusal whose remedy is that of every wanted hook, or NULL: one trouble, so one line. */
static const struct hook_choice *common_refusal(const struct hook_choice choices[N_HOOKS],
						int cgroup_error)
{
	const struct hook_choice *common = NULL;
	char first[REMEDY_BYTES], other[REMEDY_BYTES];
	const char *remedy = NULL;

	for (int i = 0; i < N_HOOKS; i++) {
		if (!is_wanted(&choices[i]) || follows(&choices[i]))
			continue;
		if (!is_refused_whole(&choices[i]))
			return NULL;
		if (!common) {
			common = &choices[i];
			remedy = remedy_for(common, cgroup_error, first);
		} else if (strcmp(remedy, remedy_for(&choices[i], cgroup_error, other)) != 0) {
			return NULL;
		}
	}
	return common;
}

void choice_report_log(const struct hook_choice choices[N_HOOKS], int cgroup_error)
{
	const struct hook_choice *common = common_refusal(choices, cgroup_error);
	char buffer[REMEDY_BYTES];

	if (common && is_fallback(common)) {
		log_warn("no BPF program loads, so sockets are read by sock_diag",
			 "error=%s lacks=%s remedy=%s", strerror(-common->refused_error),
			 common->variant->lacks, remedy_for(common, cgroup_error, buffer));
		return;
	}
	if (common) {
		log_error("no BPF program loads, so nothing is captured", "error=%s remedy=%s",
			  strerror(-common->refused_error),
			  remedy_for(common, cgroup_error, buffer));
		return;
	}
	for (int i = 0; i < N_HOOKS; i++) {
		if (is_fallback(&choices[i]))
			log_fallback(&hooks[i], &choices[i], cgroup_error);
		else if (choices[i].variant)
			log_chosen(&hooks[i], &choices[i]);
		else if (is_wanted(&choices[i]))
			log_off(&hooks[i], &choices[i], cgroup_error);
	}
}
