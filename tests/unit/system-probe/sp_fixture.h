/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Records as the kernel side makes them, with another value in every field. */

#include <string.h>

#include "encode.h"
#include "sp_types.h"

static inline struct sp_connection ipv4_connection(void)
{
	return (struct sp_connection){
		.id = 0x1fffffffffffe,
		.known = SP_KNOWN_COUNTERS | SP_KNOWN_QUALITY | SP_KNOWN_RETRANSMIT_KINDS |
			 SP_KNOWN_RESETS | SP_KNOWN_LISTENER | SP_KNOWN(SYNACK_RETRANSMITS),
		.tuple = { .local = { 10, 77, 0, 1 }, .remote = { 192, 0, 2, 200 },
			   .local_port = 54321, .remote_port = 443, .family = SP_IPV4,
			   .protocol = 6 },
		.owner = { .tgid = 4242, .netns = 4026531840u, .process_start_ns = 111222333444,
			   .cgroup_id = 987654321, .comm = "worker" },
		.counters = { 1001, 2002, 3, 4 },
		.started_ns = 500000000001,
		.established_ns = 500000000002,
		.closed_ns = 500000000003,
		.accepted_ns = 500000000004,
		.quality = { .delivery_bytes_per_s = 5000000000, .min_rtt_us = 41,
			     .retransmits_timeout = 42, .retransmits_fast = 43,
			     .retransmits_probe = 44, .reorderings = 45, .out_of_order = 46,
			     .delivered_ce = 47, .lost = 48, .cwnd = 49, .zero_window_probes = 50,
			     .ecn = 1, .reset_sent = 1, .reset_received = 1,
			     .closed_first = SP_SIDE_REMOTE, .tcp_state = 9 },
		.listener = { 51, 52, 53, 54 },
		.drops = { { 2, 55 }, { 0, 56 } },
		.owner_is_listener = 1,
		.retransmits = 5,
		.rtt_us = 678,
		.rtt_var_us = 79,
		.error = 104,
		.is_adopted = 1,
		.before = { 11, 12, 13, 14 },
		.retransmits_before = 15,
		.role = SP_ROLE_CLIENT,
		.state = SP_STATE_CLOSED,
	};
}

/* Every number at the largest value of its type. */
static inline struct sp_connection largest_connection(void)
{
	struct sp_connection connection;

	memset(&connection, 0xff, sizeof(connection));
	connection.tuple.family = SP_IPV6;
	memset(connection.owner.comm, 'c', SP_COMM_SIZE);
	return connection;
}

static inline struct process_record sample_process(uint32_t tgid)
{
	return (struct process_record){
		.event = 2,
		.tgid = tgid,
		.parent_tgid = 1,
		.uid = 1000,
		.start_ns = 70000000007,
		.time_ns = 70000000008,
		.cgroup_id = 99,
		.comm = "curl",
		.cgroup_name = "session-1.scope",
		.executable = "/usr/bin/curl",
		.executable_size = 13,
		.command_line = "curl\0-s\0http://x",
		.command_line_size = 16,
	};
}
