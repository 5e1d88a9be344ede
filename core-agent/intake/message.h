/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The frame around every message to and from the intake: a header of 16 bytes
 * (version, encoding, type, subscription, organisation, time), then the
 * protobuf body, compressed by zstd.
 */

#include <stddef.h>
#include <stdint.h>

#define MESSAGE_HEADER_BYTES 16
#define MESSAGE_MAX_BODY_BYTES (16 * 1024 * 1024) /* to the intake, before compression */
#define MESSAGE_MAX_REPLY_BYTES (64 * 1024)       /* from it: each, compressed and not */

enum message_type { MESSAGE_CONNECTIONS = 22, MESSAGE_RES_COLLECTOR = 23 };

/*
 * `*ret_bytes` is the caller's to free. 0, -EMSGSIZE (body over
 * MESSAGE_MAX_BODY_BYTES), -ENOMEM or -EIO (libzstd failed).
 */
int message_encode(enum message_type type, const uint8_t *body, size_t size, uint8_t **ret_bytes,
		   size_t *ret_size);

/*
 * The `message` of a ResCollector reply: empty when all is well, else what the
 * intake complains about. `*ret_complaint` is the caller's to free; any bytes, no NUL.
 * Reads header versions 1, 2 and 3, plain (0) and zstd (4, 5) bodies. 0, -EBADMSG
 * (cut short, or not decodable), -EPROTONOSUPPORT (another version or encoding),
 * -EPROTO (another message type), -EMSGSIZE (over MESSAGE_MAX_REPLY_BYTES),
 * -ENOMEM.
 */
int message_decode_reply(const uint8_t *bytes, size_t size, char **ret_complaint);
