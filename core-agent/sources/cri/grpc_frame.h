/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The five bytes before a message of gRPC: a flag, not 0 when compressed, and the length,
 * big-endian. Pure. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */

#include <stddef.h>
#include <stdint.h>

#define GRPC_PREFIX_BYTES 5

void grpc_frame_put_prefix(uint32_t size, uint8_t ret[GRPC_PREFIX_BYTES]);

/*
 * The one message of a unary answer, inside `bytes`. 0, -EBADMSG (cut off, more than one), or
 * -ENOTSUP (compressed, which nobody asked for).
 */
int grpc_frame_get(const uint8_t *bytes, size_t size, const uint8_t **ret_message,
		   size_t *ret_size);
