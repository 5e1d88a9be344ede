/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One answer or notification of sock_diag(7), taken apart. Pure: bytes in, struct
 * out; nothing is kept of the bytes.
 */

#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* include/net/tcp_states.h; <netinet/tcp.h>, which has them, clashes with <linux/tcp.h>. */
enum diag_state {
	DIAG_ESTABLISHED = 1,
	DIAG_SYN_SENT,
	DIAG_SYN_RECV,
	DIAG_FIN_WAIT1,
	DIAG_FIN_WAIT2,
	DIAG_TIME_WAIT,
	DIAG_CLOSE,
	DIAG_CLOSE_WAIT,
	DIAG_LAST_ACK,
	DIAG_LISTEN,
	DIAG_CLOSING,
};

#define DIAG_TIMER_PROBE0 4 /* idiag_timer: the peer's window is shut */

struct diag_socket {
	uint8_t family;   /* AF_INET or AF_INET6 */
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t state;    /* enum diag_state */
	uint8_t timer;    /* inet_diag_msg.idiag_timer */
	struct inet_diag_sockid id; /* as it came: what asks for the same socket again */
	uint64_t cookie;
	uint64_t cgroup_id; /* 0: not given (before 5.9) */
	uint32_t inode;     /* of the file; 0: no file, or not given */
	/* TCP, but TCP_LISTEN: received and not read, written and not acknowledged, bytes. */
	uint32_t receive_queue;
	uint32_t send_queue;
	bool has_drops;
	uint32_t drops;
	size_t info_size; /* what the kernel gave of `info`, the rest is zero; 0: none */
	struct tcp_info info;
};

/*
 * The payload of a netlink message of type SOCK_DIAG_BY_FAMILY, aligned to 4 bytes.
 * 0, or -EBADMSG when it is too short, not of the Internet families, or an
 * attribute is shorter than its type. What is cut off is as if absent. `protocol` is
 * what was asked for: answers seldom say it.
 */
int diag_message_parse(const void *payload, size_t size, uint8_t protocol,
		       struct diag_socket *ret_socket);

/* Whether the kernel gave `field` of struct tcp_info; later kernels append. */
#define DIAG_HAS(socket, field)                                                              \
	((socket)->info_size >= offsetof(struct tcp_info, field) + sizeof((socket)->info.field))
