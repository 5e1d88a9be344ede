/* SPDX-License-Identifier: Apache-2.0 */
#include "grpc_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

void grpc_frame_put_prefix(uint32_t size, uint8_t ret[GRPC_PREFIX_BYTES])
{
	uint32_t size_be = htonl(size);

	ret[0] = 0;
	memcpy(ret + 1, &size_be, sizeof(size_be));
}

int grpc_frame_get(const uint8_t *bytes, size_t size, const uint8_t **ret_message,
		   size_t *ret_size)
{
	uint32_t size_be;

	if (size < GRPC_PREFIX_BYTES)
		return -EBADMSG;
	if (bytes[0])
		return -ENOTSUP;
	memcpy(&size_be, bytes + 1, sizeof(size_be));
	if (ntohl(size_be) != size - GRPC_PREFIX_BYTES)
		return -EBADMSG;
	*ret_message = bytes + GRPC_PREFIX_BYTES;
	*ret_size = size - GRPC_PREFIX_BYTES;
	return 0;
}
