/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/convert.h"

#include "facts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BOOT_TO_UNIX 1000000

static uint8_t local4[4] = {10, 0, 0, 1}, remote4[4] = {10, 0, 0, 2};
static uint8_t remote6[16] = {0x20, 1, [15] = 2};
static uint8_t mapped_local[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
static uint8_t mapped_remote[16] = {[10] = 0xff, 0xff, 10, 0, 0, 2};

static Sysprobe__V1__Connection valid_record(void)
{
	Sysprobe__V1__Connection record = SYSPROBE__V1__CONNECTION__INIT;

	record.id = 5;
	record.protocol = SYSPROBE__V1__PROTOCOL__PROTOCOL_TCP;
	record.family = SYSPROBE__V1__FAMILY__FAMILY_IPV4;
	record.local_address = (ProtobufCBinaryData){4, local4};
	record.remote_address = (ProtobufCBinaryData){4, remote4};
	record.local_port = 40000;
	record.remote_port = 443;
	record.role = SYSPROBE__V1__ROLE__ROLE_CLIENT;
	record.state = SYSPROBE__V1__STATE__STATE_OPEN;
	record.known_fields = FACTS_ALL_COUNTERS;
	return record;
}

static Sysprobe__V1__Connection record_between(uint8_t *local, uint8_t *remote)
{
	Sysprobe__V1__Connection record = valid_record();

	record.family = SYSPROBE__V1__FAMILY__FAMILY_IPV6;
	record.local_address = (ProtobufCBinaryData){16, local};
	record.remote_address = (ProtobufCBinaryData){16, remote};
	return record;
}

static int convert(const Sysprobe__V1__Connection *record, struct connection *ret)
{
	return convert_connection(record, BOOT_TO_UNIX, ret);
}

static void valid_record_keeps_its_values(void **state)
{
	Sysprobe__V1__Connection record = valid_record();
	char comm[] = "curl";
	struct connection connection;

	(void)state;
	record.comm = comm;
	record.tgid = 77;
	record.bytes_received = 12;
	record.retransmits = 3;
	record.error = 104;
	assert_int_equal(convert(&record, &connection), 0);
	assert_int_equal(connection.id, 5);
	assert_int_equal(connection.family, CONNECTION_IPV4);
	assert_memory_equal(connection.remote_address, remote4, 4);
	assert_int_equal(connection.remote_port, 443);
	assert_int_equal(connection.pid, 77);
	assert_string_equal(connection.comm, "curl");
	assert_int_equal(connection.total.bytes_received, 12);
	assert_int_equal(connection.total.retransmits, 3);
	assert_int_equal(connection.error, 104);
}

static void counter_that_is_not_known_is_zero(void **state)
{
	Sysprobe__V1__Connection record = valid_record();
	Sysprobe__V1__Counters before = SYSPROBE__V1__COUNTERS__INIT;
	struct connection connection;

	(void)state;
	record.known_fields = FACT_BIT(17);
	record.bytes_sent = 5;
	record.bytes_received = 6;
	before.bytes_sent = 3;
	before.bytes_received = 4;
	record.before_probe = &before;
	assert_int_equal(convert(&record, &connection), 0);
	assert_int_equal(connection.facts.known, FACT_BIT(17));
	assert_int_equal(connection.total.bytes_sent, 0);
	assert_int_equal(connection.total.bytes_received, 6);
	assert_int_equal(connection.before_probe.bytes_sent, 0);
	assert_int_equal(connection.before_probe.bytes_received, 4);
}

static void facts_times_and_drops_come_along(void **state)
{
	Sysprobe__V1__Connection record = valid_record();
	Sysprobe__V1__Drop drop = SYSPROBE__V1__DROP__INIT, *drops[] = {&drop};
	char reason[] = "TCP_CSUM";
	struct connection connection;

	(void)state;
	record.known_fields = FACT_BIT(39);
	record.cwnd = 10;
	record.accepted_ns = 8;
	record.owner_is_listener = true;
	drop.reason = reason;
	drop.packets = 2;
	record.drops = drops;
	record.n_drops = 1;
	assert_int_equal(convert(&record, &connection), 0);
	assert_int_equal(connection.facts.cwnd, 10);
	assert_int_equal(connection.accepted_unix_ns, BOOT_TO_UNIX + 8);
	assert_true(connection.owner_is_listener);
	assert_int_equal(connection.n_drops, 1);
	assert_string_equal(connection.drops[0].reason, "TCP_CSUM");
}

static void times_become_unix_times_and_unknown_stays_unknown(void **state)
{
	Sysprobe__V1__Connection record = valid_record();
	struct connection connection;

	(void)state;
	record.started_ns = 7;
	assert_int_equal(convert(&record, &connection), 0);
	assert_int_equal(connection.started_unix_ns, BOOT_TO_UNIX + 7);
	assert_int_equal(connection.closed_unix_ns, 0);
}

static void time_before_1970_or_out_of_range_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(convert_time(5, -6), 0);
	assert_int_equal(convert_time(UINT64_MAX, 1), 0);
	assert_int_equal(convert_time(INT64_MAX, 1), 0);
}

static void rtt_of_zero_is_unknown(void **state)
{
	Sysprobe__V1__Connection record = valid_record();
	struct connection connection;

	(void)state;
	assert_int_equal(convert(&record, &connection), 0);
	assert_false(connection.has_rtt);
	record.rtt_us = 1;
	assert_int_equal(convert(&record, &connection), 0);
	assert_true(connection.has_rtt);
}

static void mapped_addresses_become_ipv4(void **state)
{
	Sysprobe__V1__Connection record = record_between(mapped_local, mapped_remote);
	struct connection connection;

	(void)state;
	assert_int_equal(convert(&record, &connection), 0);
	assert_int_equal(connection.family, CONNECTION_IPV4);
	assert_memory_equal(connection.local_address, local4, 4);
	assert_memory_equal(connection.remote_address, remote4, 4);
}

static void assert_refused(const Sysprobe__V1__Connection *record)
{
	struct connection connection = {.id = 99};

	assert_int_equal(convert(record, &connection), -EINVAL);
	assert_int_equal(connection.id, 99);
}

static void id_that_json_cannot_hold_is_refused(void **state)
{
	Sysprobe__V1__Connection record = valid_record();
	struct connection connection;

	(void)state;
	record.id = 0;
	assert_refused(&record);
	record.id = UINT64_C(1) << 53;
	assert_refused(&record);
	record.id = (UINT64_C(1) << 53) - 1;
	assert_int_equal(convert(&record, &connection), 0);
}

static void address_that_does_not_fit_the_family_is_refused(void **state)
{
	Sysprobe__V1__Connection record = valid_record();

	(void)state;
	record.remote_address = (ProtobufCBinaryData){16, remote6};
	assert_refused(&record);
	record.remote_address = (ProtobufCBinaryData){3, remote4};
	assert_refused(&record);
	record.remote_address = (ProtobufCBinaryData){0, NULL};
	assert_refused(&record);
}

static void port_above_65535_is_refused(void **state)
{
	Sysprobe__V1__Connection record = valid_record();

	(void)state;
	record.local_port = 65536;
	assert_refused(&record);
}

static void unknown_enumerators_are_refused(void **state)
{
	Sysprobe__V1__Connection protocol = valid_record(), family = valid_record(),
				 role = valid_record(), connection_state = valid_record();

	(void)state;
	protocol.protocol = (Sysprobe__V1__Protocol)7;
	assert_refused(&protocol);
	family.family = SYSPROBE__V1__FAMILY__FAMILY_UNSPECIFIED;
	assert_refused(&family);
	role.role = (Sysprobe__V1__Role)3;
	assert_refused(&role);
	connection_state.state = SYSPROBE__V1__STATE__STATE_UNSPECIFIED;
	assert_refused(&connection_state);
}

static void instance_id_becomes_hex(void **state)
{
	Sysprobe__V1__Header header = SYSPROBE__V1__HEADER__INIT;
	uint8_t bytes[16] = {0x0f, 0xa0, [15] = 0xff};
	char text[33];

	(void)state;
	header.instance_id = (ProtobufCBinaryData){16, bytes};
	convert_instance(&header, text);
	assert_string_equal(text, "0fa000000000000000000000000000ff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_record_keeps_its_values),
		cmocka_unit_test(counter_that_is_not_known_is_zero),
		cmocka_unit_test(facts_times_and_drops_come_along),
		cmocka_unit_test(times_become_unix_times_and_unknown_stays_unknown),
		cmocka_unit_test(time_before_1970_or_out_of_range_is_unknown),
		cmocka_unit_test(rtt_of_zero_is_unknown),
		cmocka_unit_test(mapped_addresses_become_ipv4),
		cmocka_unit_test(id_that_json_cannot_hold_is_refused),
		cmocka_unit_test(address_that_does_not_fit_the_family_is_refused),
		cmocka_unit_test(port_above_65535_is_refused),
		cmocka_unit_test(unknown_enumerators_are_refused),
		cmocka_unit_test(instance_id_becomes_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
