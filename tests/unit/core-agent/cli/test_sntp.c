/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sntp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NONCE UINT64_C(0x1122334455667788)
#define S INT64_C(1000000000)
#define SENT (INT64_C(1700000000) * S)

static void put32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* 1700000000 of Unix time is 3908988800 since 1900, RFC 4330 section 3. */
static void make_answer(uint8_t packet[SNTP_PACKET_BYTES], uint32_t seconds_1900)
{
	memset(packet, 0, SNTP_PACKET_BYTES);
	packet[0] = 0x24; /* no leap second, version 4, server */
	packet[1] = 2;
	put32(packet + 24, NONCE >> 32);
	put32(packet + 28, (uint32_t)NONCE);
	put32(packet + 32, seconds_1900);
	put32(packet + 40, seconds_1900);
}

static void request_carries_the_nonce(void **state)
{
	uint8_t packet[SNTP_PACKET_BYTES];
	static const uint8_t wanted[8] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};

	(void)state;
	sntp_encode(NONCE, packet);
	assert_int_equal(packet[0], 0x23); /* version 4, client */
	assert_memory_equal(packet + 40, wanted, 8);
}

static void offset_is_between_sending_and_receiving(void **state)
{
	uint8_t packet[SNTP_PACKET_BYTES];
	int64_t offset = 0;

	(void)state;
	make_answer(packet, 3908988800u + 10);
	/* On the way for 2 s in all: the server's 10 s later are 9 s from the middle. */
	assert_int_equal(sntp_decode(packet, sizeof(packet), NONCE, SENT, SENT + 2 * S, &offset), 0);
	assert_int_equal(offset, 9 * S);
}

static void fractions_count(void **state)
{
	uint8_t packet[SNTP_PACKET_BYTES];
	int64_t offset = 0;

	(void)state;
	make_answer(packet, 3908988800u);
	packet[36] = packet[44] = 0x80; /* half a second */
	assert_int_equal(sntp_decode(packet, sizeof(packet), NONCE, SENT, SENT, &offset), 0);
	assert_int_equal(offset, S / 2);
}

static void seconds_after_2036_are_of_the_next_era(void **state)
{
	uint8_t packet[SNTP_PACKET_BYTES];
	int64_t offset = 0, sent = (INT64_C(4294967296) - INT64_C(2208988800)) * S;

	(void)state;
	make_answer(packet, 0);
	packet[39] = packet[47] = 1; /* zero itself means no time */
	assert_int_equal(sntp_decode(packet, sizeof(packet), NONCE, sent, sent, &offset), 0);
	assert_int_equal(offset, 0);
}

static void answers_to_others_are_refused(void **state)
{
	uint8_t packet[SNTP_PACKET_BYTES];
	int64_t offset;

	(void)state;
	make_answer(packet, 3908988800u);
	assert_int_equal(sntp_decode(packet, sizeof(packet), NONCE + 1, SENT, SENT, &offset), -EINVAL);
	assert_int_equal(sntp_decode(packet, 47, NONCE, SENT, SENT, &offset), -EINVAL);
	packet[0] = 0x23;
	assert_int_equal(sntp_decode(packet, sizeof(packet), NONCE, SENT, SENT, &offset), -EINVAL);
}

static void servers_without_time_are_no_measure(void **state)
{
	uint8_t packet[SNTP_PACKET_BYTES];
	int64_t offset;

	(void)state;
	make_answer(packet, 3908988800u);
	packet[1] = 0; /* kiss of death */
	assert_int_equal(sntp_decode(packet, sizeof(packet), NONCE, SENT, SENT, &offset), -ENODATA);
	make_answer(packet, 3908988800u);
	packet[0] |= 0xc0; /* alarm: not synchronised */
	assert_int_equal(sntp_decode(packet, sizeof(packet), NONCE, SENT, SENT, &offset), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_carries_the_nonce),
		cmocka_unit_test(offset_is_between_sending_and_receiving),
		cmocka_unit_test(fractions_count),
		cmocka_unit_test(seconds_after_2036_are_of_the_next_era),
		cmocka_unit_test(answers_to_others_are_refused),
		cmocka_unit_test(servers_without_time_are_no_measure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
