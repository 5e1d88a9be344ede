/* SPDX-License-Identifier: Apache-2.0 */
#include "sntp.h"

#include <errno.h>
#include <string.h>

#define VERSION 4
#define MODE_CLIENT 3
#define MODE_SERVER 4
#define LEAP_UNKNOWN 3
#define MAX_STRATUM 15
#define NS_PER_S INT64_C(1000000000)
#define UNIX_EPOCH INT64_C(2208988800) /* seconds from 1900, RFC 4330 section 3 */
#define ERA (INT64_C(1) << 32)

/* Offsets of the fields, RFC 4330 section 4. */
enum { FLAGS = 0, STRATUM = 1, ORIGINATE = 24, RECEIVE = 32, TRANSMIT = 40 };

static void put(uint8_t *bytes, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Of the era that begins in 2036 when the first bit is clear, as section 3 has it. */
static int64_t to_unix_ns(uint64_t stamp)
{
	int64_t seconds = (int64_t)(stamp >> 32) - UNIX_EPOCH;
	uint64_t fraction = stamp & UINT32_MAX;

	if (!(stamp >> 63))
		seconds += ERA;
	return seconds * NS_PER_S + (int64_t)((fraction * (uint64_t)NS_PER_S) >> 32);
}

void sntp_encode(uint64_t nonce, uint8_t ret[SNTP_PACKET_BYTES])
{
	memset(ret, 0, SNTP_PACKET_BYTES);
	ret[FLAGS] = VERSION << 3 | MODE_CLIENT;
	put(ret + TRANSMIT, nonce);
}

int sntp_decode(const uint8_t *packet, size_t size, uint64_t nonce, int64_t sent_unix_ns,
		int64_t received_unix_ns, int64_t *ret_offset_ns)
{
	int64_t there_received_ns, there_sent_ns;

	if (size < SNTP_PACKET_BYTES || (packet[FLAGS] & 7) != MODE_SERVER ||
	    get(packet + ORIGINATE) != nonce)
		return -EINVAL;
	if (packet[FLAGS] >> 6 == LEAP_UNKNOWN || packet[STRATUM] == 0 ||
	    packet[STRATUM] > MAX_STRATUM || get(packet + TRANSMIT) == 0)
		return -ENODATA;
	there_received_ns = to_unix_ns(get(packet + RECEIVE));
	there_sent_ns = to_unix_ns(get(packet + TRANSMIT));
	*ret_offset_ns = (there_received_ns - sent_unix_ns) / 2 + (there_sent_ns - received_unix_ns) / 2;
	return 0;
}
