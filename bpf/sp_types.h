/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/*
 * What the kernel side hands to system-probe. Fixed-width fields, explicit
 * padding, sizes asserted. Host byte order unless a name ends in _be. Times are
 * CLOCK_BOOTTIME nanoseconds.
 */

#ifndef __bpf__
#include <linux/types.h>
#endif

#define SP_COMM_SIZE 16
#define SP_FILENAME_SIZE 256
#define SP_COMMAND_LINE_SIZE 512
#define SP_CGROUP_NAME_SIZE 128
#define SP_CONTAINER_ID_SIZE 64

enum sp_family { SP_IPV4 = 4, SP_IPV6 = 6 };
enum sp_role { SP_ROLE_UNKNOWN = 0, SP_ROLE_SERVER = 1, SP_ROLE_CLIENT = 2 };
enum sp_state { SP_STATE_OPEN = 1, SP_STATE_CLOSED = 2, SP_STATE_FAILED = 3 };

/* Addresses in network order; IPv4 in the first four bytes, the rest zero. */
struct sp_tuple {
	__u8 local[16];
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u8 family;   /* enum sp_family; v4-mapped IPv6 is SP_IPV4 */
	__u8 protocol; /* IPPROTO_* */
	__u8 pad[2];
};
_Static_assert(sizeof(struct sp_tuple) == 40, "sp_tuple");

/* The process behind a socket, noted where the kernel runs in its context. */
struct sp_owner {
	__u32 tgid; /* 0: unknown */
	__u32 netns; /* inode number */
	__u64 process_start_ns; /* task_struct.start_boottime of the group leader */
	__u64 cgroup_id;
	char comm[SP_COMM_SIZE];
};
_Static_assert(sizeof(struct sp_owner) == 40, "sp_owner");

struct sp_counters {
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 packets_sent;
	__u64 packets_received;
};

/*
 * Set in ids that only this run of the probe knows. The others are socket
 * cookies, which the next run of the probe finds again.
 */
#define SP_OWN_ID_BIT (1ULL << 52)

/* One end of a TCP connection or one UDP flow; live and closed alike. */
struct sp_connection {
	__u64 id;
	struct sp_tuple tuple;
	struct sp_owner owner;
	struct sp_counters counters;
	struct sp_counters before; /* of an adopted one: what it had when it was adopted */
	__u64 started_ns;
	__u64 established_ns;
	__u64 closed_ns;
	__u32 retransmits;
	__u32 retransmits_before;
	__u32 rtt_us;     /* 0: never measured */
	__u32 rtt_var_us;
	__u8 error;       /* errno; those of sockets are below 134 */
	__u8 role;        /* enum sp_role */
	__u8 state;       /* enum sp_state */
	__u8 is_adopted;  /* older than the probe: counters began before it */
	__u8 pad[4];
};
_Static_assert(sizeof(struct sp_connection) == 200, "sp_connection");

/* A UDP flow that ended, with the key under which user space deletes it. */
struct sp_expired_flow {
	struct sp_connection connection;
	struct sp_tuple key_tuple;
	__u64 key_socket_cookie;
};
_Static_assert(sizeof(struct sp_expired_flow) == 248, "sp_expired_flow");

enum sp_process_event_type { SP_PROCESS_EXEC = 2, SP_PROCESS_EXIT = 3 };

struct sp_process_event {
	__u32 type; /* enum sp_process_event_type */
	__u32 tgid;
	__u32 parent_tgid;
	__u32 uid;
	__u64 start_ns;
	__u64 time_ns;
	__u64 cgroup_id;
	char comm[SP_COMM_SIZE];
	char cgroup_name[SP_CGROUP_NAME_SIZE]; /* NUL-terminated; v2, or v1 if a container's */
	__u16 filename_size;     /* without NUL; 0: unknown */
	__u16 command_line_size; /* 0: unknown */
	__u8 is_command_line_cut;
	__u8 pad[3];
	char filename[SP_FILENAME_SIZE];
	char command_line[SP_COMMAND_LINE_SIZE];
};

/* Why a record could not be kept; index of the map `overflow`. */
enum sp_overflow_cause {
	SP_OVERFLOW_CLOSED_RING_FULL,
	SP_OVERFLOW_UDP_TABLE_FULL,
	SP_OVERFLOW_UDP_EXPIRING, /* a datagram met a flow in the act of expiry */
	SP_N_OVERFLOW_CAUSES,
};

struct sp_overflow {
	struct sp_counters counters;
	__u64 connections;
	__u64 retransmits;
};

/* Events worth a counter that lose no traffic; index of the map `events`. */
enum sp_event_counter {
	SP_EVENT_SOCKET_STORAGE_FAILED,
	SP_EVENT_PROCESS_RING_FULL,
	SP_N_EVENT_COUNTERS,
};
