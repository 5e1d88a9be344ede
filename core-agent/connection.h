/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One connection in one reporting interval, as it walks through the agent:
 * decode fills it, delta adds the interval, enrich adds the owner, exporters
 * only read. Lives as long as its batch; pointers are borrowed from the decoded
 * batch or from the tables of enrichment, and are valid during export only.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum connection_protocol { CONNECTION_TCP = 6, CONNECTION_UDP = 17 };
enum connection_family { CONNECTION_IPV4 = 4, CONNECTION_IPV6 = 6 };
enum connection_state {
	CONNECTION_OPEN = 1,
	CONNECTION_CLOSED = 2,
	CONNECTION_FAILED = 3,
	CONNECTION_LISTENING = 4, /* no connection: a socket that waits for some */
};
enum connection_side { CONNECTION_SIDE_UNKNOWN, CONNECTION_LOCAL_SIDE, CONNECTION_REMOTE_SIDE };
enum connection_role { CONNECTION_ROLE_UNKNOWN, CONNECTION_SERVER, CONNECTION_CLIENT };
enum connection_direction {
	CONNECTION_DIRECTION_UNKNOWN,
	CONNECTION_INCOMING,
	CONNECTION_OUTGOING,
	CONNECTION_LOCAL, /* both ends on this host; `role` says who began */
};

struct connection_counters {
	uint64_t bytes_sent;
	uint64_t bytes_received;
	uint64_t packets_sent;
	uint64_t packets_received;
	uint64_t retransmits;
};

#define CONNECTION_MAX_DROP_REASONS 8

struct connection_drop {
	const char *reason;
	uint64_t packets;
};

/*
 * What was measured of a TCP connection beyond its counters, at the last look or at
 * its close; of a listening socket the last four. Named as in proto/sysprobe.proto,
 * which has units and kernel sources. A table fills and reads them (facts.h): without
 * its bit in `known` a member means nothing.
 */
struct connection_facts {
	uint64_t known; /* FACT_BIT() of each, and of each of connection_counters */
	uint64_t delivery_bytes_per_s;
	uint32_t min_rtt_us;
	uint32_t retransmits_timeout;
	uint32_t retransmits_fast;
	uint32_t retransmits_probe;
	uint32_t reorderings;
	uint32_t out_of_order;
	uint32_t ecn; /* bool */
	uint32_t delivered_ce;
	uint32_t zero_window_probes;
	uint32_t lost;
	uint32_t cwnd;
	uint32_t reset_sent;	 /* bool */
	uint32_t reset_received; /* bool */
	uint32_t closed_first;	 /* enum connection_side */
	uint32_t tcp_state;	 /* include/net/tcp_states.h */
	uint32_t accept_queue;
	uint32_t accept_queue_max;
	uint32_t dropped_attempts;
	uint32_t synack_retransmits;
};

/* Of a listening socket, in the interval; the totals are in its facts. */
struct connection_refusals {
	bool is_known; /* false: first sight of one that was there before */
	uint64_t dropped_attempts;
	uint64_t synack_retransmits;
};

/* Filled by enrichment; NULL or 0 is unknown. Strings are NUL-terminated, any bytes. */
struct connection_owner {
	const char *executable;
	const char *command_line; /* arguments joined by single spaces */
	const char *user;
	uint64_t start_unix_ns;
	const char *container_id; /* 64 hex digits, or the runtime's own form */
	const char *container_runtime; /* docker, containerd, cri-o, podman, ecs, or NULL */
	const char *pod_uid; /* Kubernetes, dashed form */
	const char *systemd_unit; /* nginx.service */
	const char *service; /* by the first source of enrich/service.h that knows one */
	const char *service_source; /* environment, otel, labels, command, systemd, executable */
	const char *env; /* deployment environment: production */
	const char *version; /* of the service */
};

struct subnets;
struct tag_set;

struct connection {
	uint64_t id;
	enum connection_protocol protocol;
	enum connection_family family;
	enum connection_state state;
	enum connection_role role;
	enum connection_direction direction;
	uint8_t local_address[16]; /* network order; IPv4 in the first four bytes */
	uint8_t remote_address[16];
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t netns; /* inode; 0: unknown */
	uint32_t error; /* errno of an abnormal end; 0: none */

	uint32_t pid; /* tgid in the root PID namespace; 0: unknown */
	uint64_t process_start_ns; /* CLOCK_BOOTTIME */
	const char *comm;
	uint64_t cgroup_id;
	struct connection_owner owner;
	bool owner_is_listener; /* who accepted is not known (yet) */

	/* Who has the other end, where that is on this host; NULL or 0: unknown. */
	uint32_t remote_pid;
	const char *remote_comm;
	const char *remote_service;
	const char *remote_container_id;

	/* Of the container or pod at each end, shared, valid as the owner's; NULL: none. */
	const struct tag_set *tags;
	const struct tag_set *remote_tags;

	struct connection_counters total; /* since the connection began */
	struct connection_counters interval;
	bool is_new; /* first time that this agent reports it */
	struct connection_counters before_probe; /* in the totals, and not this probe's to report */
	bool is_established_now; /* became established within this interval */

	bool has_rtt;
	uint32_t rtt_us;
	uint32_t rtt_var_us;
	struct connection_facts facts;
	struct connection_drop drops[CONNECTION_MAX_DROP_REASONS]; /* packets, by reason */
	size_t n_drops;
	struct connection_refusals refusals;

	/* Unix time; 0: unknown. */
	uint64_t started_unix_ns;
	uint64_t established_unix_ns;
	uint64_t accepted_unix_ns;
	uint64_t closed_unix_ns;
};

/* What could not be kept in this interval, by cause. */
struct overflow {
	const char *cause;
	uint64_t n_connections;
	struct connection_counters interval;
};

/* What holds for a whole interval. */
struct interval {
	uint64_t end_unix_ns;
	const char *probe_instance; /* 32 hex digits */
	const char *tier;

	/* Of this host, as known when the interval began; NULL: unknown. */
	const char *host_name;
	const char *network_id; /* of its VPC or virtual network */
	const struct tag_set *host_tags;
	const struct subnets *subnets; /* that it has interfaces in */
};
