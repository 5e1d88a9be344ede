/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From what sock_diag tells of a socket to a record. Pure. The kernel's counters
 * are those that the BPF tiers read; what they leave open is closed here by
 * arithmetic on sequence numbers.
 */

#include "netlink/diag_message.h"
#include "sp_types.h"

/* Addresses (v4-mapped ones as IPv4) and ports. */
struct sp_tuple diag_connection_tuple(const struct diag_socket *socket);

/*
 * Who connected. The client's SYN takes a sequence number of those that
 * tcp_info counts as acknowledged, the server's does not. Where that does not
 * decide (before 4.19, or data in flight) `known`, unless it is SP_ROLE_UNKNOWN;
 * then `is_listening_port`: whether a listener is or was on the local port.
 */
enum sp_role diag_connection_role(const struct diag_socket *socket, enum sp_role known,
				  bool is_listening_port);

/* Whether a destroyed socket was refused or gave up: nothing of its was ever acknowledged. */
bool diag_connection_has_failed(const struct diag_socket *socket, enum sp_role role);

enum diag_fin {
	DIAG_FIN_NO,
	DIAG_FIN_YES,
	/* It came, unless the socket left a TIME_WAIT socket behind: the caller must look. */
	DIAG_FIN_UNLESS_TIME_WAIT,
};

/*
 * Whether tcpi_bytes_received counts the peer's FIN. A destroyed socket does not
 * say it; `last_state` is the one it was last seen alive in (0: never seen), and
 * `last_had_file` whether a program held it then.
 */
enum diag_fin diag_connection_peer_fin(const struct diag_socket *socket, enum sp_role role,
				       uint8_t last_state, bool last_had_file);

/* Tuple, counters, quality and their bits in `known`, of a socket with `info`. */
void diag_connection_fill(struct sp_connection *record, const struct diag_socket *socket,
			  enum sp_role role, bool has_peer_fin);

/* The same for a TCP_LISTEN socket. */
void diag_connection_fill_listener(struct sp_connection *record, const struct diag_socket *socket);
