/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How far this clock is from a time server's (SNTP, RFC 4330). Pure: packets and times. */

#include <stddef.h>
#include <stdint.h>

#define SNTP_PACKET_BYTES 48

/* A client's request. `nonce` comes back in the answer: any number that nobody can guess. */
void sntp_encode(uint64_t nonce, uint8_t ret[SNTP_PACKET_BYTES]);

/*
 * The server's clock less ours, in nanoseconds. `sent_unix_ns` and `received_unix_ns` are
 * when the request left and the answer came. -EINVAL (not an answer to it),
 * -ENODATA (the server says that it has no time itself).
 */
int sntp_decode(const uint8_t *packet, size_t size, uint64_t nonce, int64_t sent_unix_ns,
		int64_t received_unix_ns, int64_t *ret_offset_ns);
