/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Asking sock_diag(7) of one network namespace: the one that the calling thread is
 * in when a socket is opened.
 */

#include <stdint.h>

#include "netlink/diag_message.h"

struct mnl_socket;

/* Called for each message that can be parsed; the socket is valid during the call only. */
typedef void diag_query_take(const struct diag_socket *socket, void *context);

/* For dumps and look-ups. NULL and errno. */
struct mnl_socket *diag_query_open(void);

/* For the ends of TCP sockets, with a buffer of `buffer_bytes`, non-blocking. NULL and errno. */
struct mnl_socket *diag_query_open_ends(int buffer_bytes);

enum diag_dump {
	DIAG_DUMP_TCP,          /* with tcp_info; those without are in TIME_WAIT */
	DIAG_DUMP_TCP_LISTENERS,
	DIAG_DUMP_UDP_CONNECTED,
};

/*
 * All sockets of one kind and family (AF_INET, AF_INET6). 0 or negative errno: -ENOENT
 * where the kernel has no tcp_diag or udp_diag; -ETIMEDOUT.
 */
int diag_query_dump(struct mnl_socket *query, enum diag_dump what, uint8_t family,
		    diag_query_take *take, void *context);

/* Whether somebody listens where TCP socket `gone` had its local port: 1, 0 or negative errno. */
int diag_query_has_listener(struct mnl_socket *query, const struct diag_socket *gone);

/* Whether a TIME_WAIT socket stands where TCP socket `gone` was: 1, 0 or negative errno. */
int diag_query_has_time_wait(struct mnl_socket *query, const struct diag_socket *gone);

/* Take all notifications there are. 0, -ENOBUFS (some were lost, go on), or negative errno. */
int diag_query_read_ends(struct mnl_socket *ends, diag_query_take *take, void *context);

/* Messages that a socket ever had no room for; 0 where the kernel does not say (before 4.12). */
uint64_t diag_query_n_lost(const struct mnl_socket *socket);
