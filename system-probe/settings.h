/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* system-probe.yaml; the table with types, ranges, defaults and help is in settings.c. */

#include "options.h"

struct probe_settings {
	int log_level; /* enum log_level */
	bool is_enabled;
	int tier; /* enum tier_setting */
	char *socket_path;
	char *socket_group;
	char *auth_token_file_path;
	char *procfs_path;
	char *cgroup_path; /* empty: from the mount table */
	bool collect_tcp_v4, collect_tcp_v6;
	bool collect_udp_v4, collect_udp_v6;
	bool collect_tcp_failed;
	bool collect_drops;
	bool collect_environment;
	int64_t max_udp_flows;
	int64_t max_closed_records;
	int64_t max_process_records;
	int64_t max_processes;
	uint64_t udp_idle_ns;
	uint64_t udp_stream_idle_ns;
};

enum tier_setting { TIER_SETTING_AUTO, TIER_SETTING_TRAMPOLINE, TIER_SETTING_TRACEPOINT, TIER_SETTING_NETLINK };

/* As it is written in the file. */
const char *settings_tier_name(enum tier_setting setting);

extern const struct option probe_options[];
extern const size_t probe_options_n;
