/* SPDX-License-Identifier: Apache-2.0 */
#include "diag_message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

static void take_info(const struct nlattr *attribute, struct diag_socket *socket)
{
	size_t size = mnl_attr_get_payload_len(attribute);

	socket->info_size = size < sizeof(socket->info) ? size : sizeof(socket->info);
	memcpy(&socket->info, mnl_attr_get_payload(attribute), socket->info_size);
}

static void take_memory(const struct nlattr *attribute, struct diag_socket *socket)
{
	const size_t offset = SK_MEMINFO_DROPS * sizeof(uint32_t);

	if (mnl_attr_get_payload_len(attribute) < offset + sizeof(uint32_t))
		return; /* before 4.7 */
	socket->has_drops = true;
	memcpy(&socket->drops, (const char *)mnl_attr_get_payload(attribute) + offset,
	       sizeof(socket->drops));
}

static int take_attribute(const struct nlattr *attribute, void *context)
{
	struct diag_socket *socket = context;

	switch (mnl_attr_get_type(attribute)) {
	case INET_DIAG_INFO:
		take_info(attribute, socket);
		break;
	case INET_DIAG_SKMEMINFO:
		take_memory(attribute, socket);
		break;
	case INET_DIAG_PROTOCOL:
		if (mnl_attr_get_payload_len(attribute) < sizeof(uint8_t))
			return MNL_CB_ERROR;
		socket->protocol = mnl_attr_get_u8(attribute);
		break;
	case INET_DIAG_CGROUP_ID:
		if (mnl_attr_get_payload_len(attribute) < sizeof(uint64_t))
			return MNL_CB_ERROR;
		socket->cgroup_id = mnl_attr_get_u64(attribute);
		break;
	}
	return MNL_CB_OK;
}

int diag_message_parse(const void *payload, size_t size, uint8_t protocol,
		       struct diag_socket *ret_socket)
{
	struct inet_diag_msg message;
	const size_t head = MNL_ALIGN(sizeof(message));
	struct diag_socket socket = { .protocol = protocol };

	if (size < sizeof(message))
		return -EBADMSG;
	memcpy(&message, payload, sizeof(message));
	if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)
		return -EBADMSG;
	socket.family = message.idiag_family;
	socket.state = message.idiag_state;
	socket.timer = message.idiag_timer;
	socket.id = message.id;
	socket.cookie = message.id.idiag_cookie[0] | (uint64_t)message.id.idiag_cookie[1] << 32;
	socket.inode = message.idiag_inode;
	socket.receive_queue = message.idiag_rqueue;
	socket.send_queue = message.idiag_wqueue;
	if (size > head && mnl_attr_parse_payload((const char *)payload + head, size - head,
						  take_attribute, &socket) != MNL_CB_OK)
		return -EBADMSG;
	*ret_socket = socket;
	return 0;
}
