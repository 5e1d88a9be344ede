/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#define FIELD(name) offsetof(struct probe_settings, name)
#define SECONDS(n) ((int64_t)(n) * 1000000000)
#define ENV(...) (const char *const[]) { __VA_ARGS__, NULL }

static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const tiers[] = { "auto", "trampoline", "tracepoint", "netlink", NULL };

const struct option probe_options[] = {
	{ .key = "log_level", .type = OPTION_ENUM, .offset = FIELD(log_level), .choices = log_levels,
	  .fallback = "info", .is_runtime = true, .help = "How much goes to stderr, one line for one event." },
	{ .key = "network_config.enabled", .type = OPTION_BOOL, .offset = FIELD(is_enabled),
	  .fallback = "true", .env = ENV("DD_SYSTEM_PROBE_NETWORK_ENABLED"),
	  .help = "Watch connections. When false the probe serves its status and nothing else." },
	{ .key = "sysprobe.tier", .type = OPTION_ENUM, .offset = FIELD(tier), .choices = tiers,
	  .fallback = "auto",
	  .help = "Best capture tier to try. auto takes the best that this kernel loads." },
	{ .key = "system_probe_config.sysprobe_socket", .type = OPTION_STRING,
	  .offset = FIELD(socket_path), .fallback = "/var/run/sysprobe/sysprobe.sock",
	  .env = ENV("DD_SYSPROBE_SOCKET"),
	  .help = "Unix socket to serve on; at most 107 bytes. Its folder must exist." },
	{ .key = "sysprobe.socket_group", .type = OPTION_STRING, .offset = FIELD(socket_group),
	  .fallback = "sysprobe",
	  .help = "Group that may open the socket and that the auth-token file belongs to. "
		  "Where it does not exist, the probe's own group." },
	{ .key = "auth_token_file_path", .type = OPTION_STRING, .offset = FIELD(auth_token_file_path),
	  .fallback = "/var/lib/sysprobe/auth_token",
	  .help = "Token that requests must carry. core-agent writes it, the probe only reads it." },
	{ .key = "procfs_path", .type = OPTION_STRING, .offset = FIELD(procfs_path),
	  .fallback = "/proc", .env = ENV("HOST_PROC"),
	  .help = "procfs of the host: /host/proc in a container without the host's PID namespace." },
	{ .key = "sysprobe.cgroup_path", .type = OPTION_STRING, .offset = FIELD(cgroup_path),
	  .help = "Root of the host's cgroup v2 hierarchy. Empty: taken from the mount table." },
	{ .key = "network_config.collect_tcp_v4", .type = OPTION_BOOL,
	  .offset = FIELD(collect_tcp_v4), .fallback = "true", .help = "TCP of IPv4 sockets." },
	{ .key = "network_config.collect_tcp_v6", .type = OPTION_BOOL,
	  .offset = FIELD(collect_tcp_v6), .fallback = "true",
	  .help = "TCP of IPv6 sockets, also where they talk IPv4: without it, connections that a "
		  "server on [::] accepts over IPv4 are left out." },
	{ .key = "network_config.collect_udp_v4", .type = OPTION_BOOL,
	  .offset = FIELD(collect_udp_v4), .fallback = "true", .help = "UDP over IPv4." },
	{ .key = "network_config.collect_udp_v6", .type = OPTION_BOOL,
	  .offset = FIELD(collect_udp_v6), .fallback = "true", .help = "UDP over IPv6." },
	{ .key = "network_config.enable_tcp_failed_connections", .type = OPTION_BOOL,
	  .offset = FIELD(collect_tcp_failed), .fallback = "true",
	  .help = "TCP connection attempts that fail, with the error. When false they are only "
		  "counted: tcp_failed_left_out." },
	{ .key = "sysprobe.collect_drops", .type = OPTION_BOOL, .offset = FIELD(collect_drops),
	  .fallback = "false",
	  .help = "Packets that the kernel dropped for a TCP socket, by its reason. Costs something "
		  "for each packet dropped on the host. Needs Linux 5.17." },
	{ .key = "sysprobe.collect_environment", .type = OPTION_BOOL,
	  .offset = FIELD(collect_environment), .fallback = "true",
	  .help = "DD_SERVICE, DD_ENV, DD_VERSION, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES "
		  "of each process, which name its service. No other variable is ever kept." },
	{ .key = "system_probe_config.max_tracked_connections", .type = OPTION_INT,
	  .offset = FIELD(max_udp_flows), .fallback = "131072", .min = 1024, .max = 4194304,
	  .help = "UDP flows kept at once. TCP needs no table. Datagrams of flows beyond it are "
		  "counted in the overflow bucket udp_table_full. In the tier netlink: sockets kept "
		  "at once, 500 bytes each; one beyond it is reported when it closes." },
	{ .key = "system_probe_config.max_closed_connections_buffered", .type = OPTION_INT,
	  .offset = FIELD(max_closed_records), .fallback = "65536", .min = 1024, .max = 4194304,
	  .help = "Closed connections kept for readers, about 150 bytes each. Older ones that "
		  "nobody fetched are counted as the overflow closed_log." },
	{ .key = "sysprobe.max_process_events_buffered", .type = OPTION_INT,
	  .offset = FIELD(max_process_records), .fallback = "16384", .min = 256, .max = 1048576,
	  .help = "Process starts and exits kept for readers, 150 to 3,500 bytes each." },
	{ .key = "event_monitoring_config.network_process.max_processes_tracked",
	  .type = OPTION_INT, .offset = FIELD(max_processes), .fallback = "32768", .min = 256,
	  .max = 1048576,
	  .help = "Living processes whose start the probe remembers, 150 to 3,500 bytes each." },
	{ .key = "sysprobe.udp_idle", .type = OPTION_DURATION, .offset = FIELD(udp_idle_ns),
	  .fallback = "30s", .min = SECONDS(1), .max = SECONDS(3600),
	  .help = "A UDP flow with datagrams one way only ends after this long without one." },
	{ .key = "sysprobe.udp_stream_idle", .type = OPTION_DURATION,
	  .offset = FIELD(udp_stream_idle_ns), .fallback = "120s", .min = SECONDS(1),
	  .max = SECONDS(3600),
	  .help = "The same once datagrams went both ways." },

	/* What manifests for other agents carry and sysprobe has no use for. */
	{ .key = "system_probe_config.enabled", .type = OPTION_NO_EFFECT,
	  .env = ENV("DD_SYSTEM_PROBE_ENABLED") },
	{ .key = "system_probe_config.external", .type = OPTION_NO_EFFECT,
	  .env = ENV("DD_SYSTEM_PROBE_EXTERNAL") },
	{ .key = "system_probe_config.log_file", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.debug_port", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.health_port", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.telemetry_enabled", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.max_connection_state_buffered", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.offset_guess_threshold", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.enable_co_re", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.enable_runtime_compiler", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.allow_prebuilt_fallback", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.enable_kernel_header_download", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.kernel_header_dirs", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.bpf_dir", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.bpf_debug", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.enable_oom_kill", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.enable_tcp_queue_length", .type = OPTION_NO_EFFECT },
	{ .key = "system_probe_config.disable_thp", .type = OPTION_NO_EFFECT },
	{ .key = "network_config.enable_ringbuffers", .type = OPTION_NO_EFFECT },
	{ .key = "network_config.closed_channel_size", .type = OPTION_NO_EFFECT },
	{ .key = "network_config.enable_protocol_classification", .type = OPTION_NO_EFFECT },
	{ .key = "network_config.enable_gateway_lookup", .type = OPTION_NO_EFFECT },
	{ .key = "network_config.enable_fentry", .type = OPTION_NO_EFFECT },
	{ .key = "network_config.enable_ebpfless", .type = OPTION_NO_EFFECT },
	{ .key = "network_config.direct_send", .type = OPTION_NO_EFFECT },
	{ .key = "event_monitoring_config.network_process.enabled", .type = OPTION_NO_EFFECT },
	{ .key = "process_config.enabled", .type = OPTION_NO_EFFECT },
	{ .key = "discovery.enabled", .type = OPTION_NO_EFFECT },
	{ .key = "traceroute.enabled", .type = OPTION_NO_EFFECT },
};

const size_t probe_options_n = sizeof(probe_options) / sizeof(probe_options[0]);

const char *settings_tier_name(enum tier_setting setting)
{
	return tiers[setting];
}
