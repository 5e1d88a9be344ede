/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes for a message of sock_diag, and what is made of it. */

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/diag_connection.h"
#include "netlink/diag_message.h"

#define MAX_MESSAGE_BYTES 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_connection(const struct diag_socket *socket)
{
	struct sp_connection record = { 0 };
	enum sp_role role = diag_connection_role(socket, SP_ROLE_UNKNOWN, socket->inode & 1);
	enum diag_fin fin = diag_connection_peer_fin(socket, role, 0, false);

	require(role == SP_ROLE_CLIENT || role == SP_ROLE_SERVER);
	diag_connection_fill(&record, socket, role, fin == DIAG_FIN_YES);
	require(record.tuple.family == SP_IPV4 || record.tuple.family == SP_IPV6);
	require(record.counters.bytes_received <= socket->info.tcpi_bytes_received);
	(void)diag_connection_has_failed(socket, role); /* must only not crash */
	diag_connection_fill_listener(&record, socket);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag_socket socket;
	uint8_t *message;
	int r;

	if (size > MAX_MESSAGE_BYTES)
		return -1;
	message = malloc(size ? size : 1); /* aligned, as in the buffer of a read, and no larger */
	if (!message)
		return 0;
	memcpy(message, data, size);
	r = diag_message_parse(message, size, IPPROTO_TCP, &socket);
	require(r == 0 || r == -EBADMSG);
	if (r == 0) {
		require(socket.info_size <= sizeof(socket.info));
		check_connection(&socket);
	}
	free(message);
	return 0;
}
