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
#define SP_ENTRY_SIZE 1024 /* of one variable of the environment, with its NUL */
#define SP_ENVIRONMENT_SIZE 2560
#define SP_CGROUP_NAME_SIZE 128
#define SP_CONTAINER_ID_SIZE 64

enum sp_family { SP_IPV4 = 4, SP_IPV6 = 6 };
enum sp_role { SP_ROLE_UNKNOWN = 0, SP_ROLE_SERVER = 1, SP_ROLE_CLIENT = 2 };
enum sp_state {
	SP_STATE_OPEN = 1,
	SP_STATE_CLOSED = 2,
	SP_STATE_FAILED = 3,
	SP_STATE_LISTENING = 4,
};
enum sp_side { SP_SIDE_UNKNOWN = 0, SP_SIDE_LOCAL = 1, SP_SIDE_REMOTE = 2 };

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

/*
 * What not every tier, kernel or kind of socket can tell. The numbers are those
 * of the fields of Connection in proto/sysprobe.proto.
 */
enum sp_field {
	SP_FIELD_BYTES_SENT = 16,
	SP_FIELD_BYTES_RECEIVED = 17,
	SP_FIELD_PACKETS_SENT = 18,
	SP_FIELD_PACKETS_RECEIVED = 19,
	SP_FIELD_RETRANSMITS = 20,
	SP_FIELD_MIN_RTT_US = 28,
	SP_FIELD_RETRANSMITS_TIMEOUT = 30,
	SP_FIELD_RETRANSMITS_FAST = 31,
	SP_FIELD_RETRANSMITS_PROBE = 32,
	SP_FIELD_REORDERINGS = 33,
	SP_FIELD_OUT_OF_ORDER = 34,
	SP_FIELD_ECN = 35,
	SP_FIELD_DELIVERED_CE = 36,
	SP_FIELD_ZERO_WINDOW_PROBES = 37,
	SP_FIELD_LOST = 38,
	SP_FIELD_CWND = 39,
	SP_FIELD_DELIVERY_RATE = 40,
	SP_FIELD_RESET_SENT = 41,
	SP_FIELD_RESET_RECEIVED = 42,
	SP_FIELD_TCP_STATE = 44,
	SP_FIELD_ACCEPT_QUEUE = 46,
	SP_FIELD_ACCEPT_QUEUE_MAX = 47,
	SP_FIELD_DROPPED_ATTEMPTS = 48,
	SP_FIELD_SYNACK_RETRANSMITS = 49,
};

#define SP_KNOWN(field) (1ULL << SP_FIELD_##field)
#define SP_KNOWN_COUNTERS                                                                   \
	(SP_KNOWN(BYTES_SENT) | SP_KNOWN(BYTES_RECEIVED) | SP_KNOWN(PACKETS_SENT) |         \
	 SP_KNOWN(PACKETS_RECEIVED))
#define SP_KNOWN_QUALITY                                                                    \
	(SP_KNOWN(RETRANSMITS) | SP_KNOWN(MIN_RTT_US) | SP_KNOWN(REORDERINGS) |             \
	 SP_KNOWN(OUT_OF_ORDER) | SP_KNOWN(ECN) | SP_KNOWN(DELIVERED_CE) |                  \
	 SP_KNOWN(ZERO_WINDOW_PROBES) | SP_KNOWN(LOST) | SP_KNOWN(CWND) |                   \
	 SP_KNOWN(DELIVERY_RATE) | SP_KNOWN(TCP_STATE))
#define SP_KNOWN_RETRANSMIT_KINDS                                                           \
	(SP_KNOWN(RETRANSMITS_TIMEOUT) | SP_KNOWN(RETRANSMITS_FAST) | SP_KNOWN(RETRANSMITS_PROBE))
#define SP_KNOWN_RESETS (SP_KNOWN(RESET_SENT) | SP_KNOWN(RESET_RECEIVED))
#define SP_KNOWN_LISTENER                                                                   \
	(SP_KNOWN(ACCEPT_QUEUE) | SP_KNOWN(ACCEPT_QUEUE_MAX) | SP_KNOWN(DROPPED_ATTEMPTS))

/* TCP, at the last look or at close. Sources and units: proto/sysprobe.proto. */
struct sp_quality {
	__u64 delivery_bytes_per_s;
	__u32 min_rtt_us;
	__u32 retransmits_timeout;
	__u32 retransmits_fast;
	__u32 retransmits_probe;
	__u32 reorderings;
	__u32 out_of_order;
	__u32 delivered_ce;
	__u32 lost;
	__u32 cwnd;
	__u8 zero_window_probes;
	__u8 ecn;
	__u8 reset_sent;
	__u8 reset_received;
	__u8 closed_first; /* enum sp_side */
	__u8 tcp_state;
	__u8 pad[6];
};
_Static_assert(sizeof(struct sp_quality) == 56, "sp_quality");

/* A listening socket's share of struct sp_connection. */
struct sp_listener {
	__u32 accept_queue;
	__u32 accept_queue_max;
	__u32 dropped_attempts;
	__u32 synack_retransmits;
};

#define SP_MAX_DROP_REASONS 4 /* of one socket; the last is for all others */
struct sp_drop {
	__u32 reason; /* enum skb_drop_reason of the running kernel; 0: others */
	__u32 packets;
};

/* One end of a TCP connection, one UDP flow or one listening socket; live and closed alike. */
struct sp_connection {
	__u64 id;
	__u64 known; /* SP_KNOWN() of each field that holds a measured value */
	struct sp_tuple tuple;
	struct sp_owner owner;
	struct sp_counters counters;
	__u64 started_ns;
	__u64 established_ns;
	__u64 accepted_ns;
	__u64 closed_ns;
	struct sp_quality quality;
	__u32 retransmits;
	__u32 retransmits_before;
	__u32 rtt_us;     /* 0: never measured */
	__u32 rtt_var_us;
	__u8 error;       /* errno; those of sockets are below 134 */
	__u8 role;        /* enum sp_role */
	__u8 state;       /* enum sp_state */
	__u8 is_adopted;  /* older than the probe: counters began before it */
	__u8 owner_is_listener;
	__u8 is_tallied; /* counted as SP_EVENT_TCP_BEGUN; of live ones */
	__u8 pad[2];
	/* What few have; a record of the ring that has none of it ends here. */
	struct sp_counters before; /* of an adopted one: what it had when it was adopted */
	struct sp_listener listener;
	struct sp_drop drops[SP_MAX_DROP_REASONS];
};
_Static_assert(sizeof(struct sp_connection) == 320, "sp_connection");
#define SP_CONNECTION_SHORT_BYTES __builtin_offsetof(struct sp_connection, before)

/* Live TCP connections that one read of tcp_dump_iter puts into the map `tcp_live`: a batch. */
#define SP_MAX_LIVE 1000

/*
 * Which UDP flow: one socket and one remote. Small, as to hash it is most of what a
 * datagram costs; cookies are counted up from 1, so their low 48 bits are theirs alone.
 */
struct sp_udp_key {
	__u32 remote[4];       /* network order; IPv4 as ::ffff:a.b.c.d */
	__u64 socket_and_port; /* socket cookie << 16 | remote port */
};
_Static_assert(sizeof(struct sp_udp_key) == 24, "sp_udp_key");

/* A UDP flow that ended, with the key under which user space deletes it. */
struct sp_expired_flow {
	struct sp_connection connection;
	struct sp_udp_key key;
};
_Static_assert(sizeof(struct sp_expired_flow) == 344, "sp_expired_flow");

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
	__u16 environment_size;  /* with the NULs; 0: none of the five, or unknown */
	__u8 is_command_line_cut;
	__u8 is_environment_cut;
	__u8 is_forked_only; /* PF_FORKNOEXEC: never called exec */
	__u8 pad[7];
	char filename[SP_FILENAME_SIZE];
	char command_line[SP_COMMAND_LINE_SIZE];
	/* Last: a record ends where it does. "NAME=value" of common/environment.h alone. */
	char environment[SP_ENVIRONMENT_SIZE];
};

/* Why a record could not be kept; index of the map `overflow`. */
enum sp_overflow_cause {
	SP_OVERFLOW_CLOSED_RING_FULL,
	SP_OVERFLOW_UDP_TABLE_FULL,
	SP_OVERFLOW_UDP_EXPIRING, /* a datagram met a flow in the act of expiry */
	SP_OVERFLOW_END_UNSEEN,   /* told by no program: system-probe/unseen_ends.h */
	/* Of the tier netlink, counted in user space. */
	SP_OVERFLOW_DESTROY_LOST,     /* notifications that a socket's buffer had no room for */
	SP_OVERFLOW_DESTROY_LATE,     /* what came after a connection was given up */
	SP_OVERFLOW_NETNS_FOUND_LATE, /* connections that had ended when theirs was found */
	SP_N_OVERFLOW_CAUSES,
};

struct sp_overflow {
	struct sp_counters counters;
	__u64 connections;
	__u64 retransmits;
};

/* Events worth a counter that lose no traffic; index of the map `events`. */
enum sp_event_counter {
	SP_EVENT_TCP_BEGUN, /* established, or tried to; of sockets that have storage */
	SP_EVENT_TCP_ENDED, /* of those */
	SP_EVENT_TCP_FREED, /* sockets with storage, ended before or not */
	SP_EVENT_SOCKET_STORAGE_FAILED,
	SP_EVENT_PROCESS_RING_FULL,
	SP_EVENT_TCP_FAILED_LEFT_OUT, /* by setting */
	SP_EVENT_ENVIRONMENT_CUT,     /* processes whose variables were not all seen whole */
	/* Of the tier netlink, counted in user space. */
	SP_EVENT_SOCKETS_NOT_KEPT,
	SP_EVENT_DESTROY_OVERRUNS,
	SP_EVENT_NETNS_NOT_WATCHED,
	SP_EVENT_DIAG_ERRORS,
	SP_N_EVENT_COUNTERS,
};
