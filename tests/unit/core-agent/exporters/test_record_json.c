/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/record_json.h"

#include "facts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct interval interval = {
	.end_unix_ns = UINT64_C(1700000000000000000), .probe_instance = "abc", .tier = "x"};

static struct connection minimal(void)
{
	return (struct connection){.id = 1,
				   .protocol = CONNECTION_UDP,
				   .family = CONNECTION_IPV4,
				   .state = CONNECTION_OPEN,
				   .local_address = {10, 0, 0, 1},
				   .remote_address = {10, 0, 0, 2},
				   .local_port = 53,
				   .remote_port = 5353};
}

static struct connection complete(void)
{
	struct connection connection = minimal();

	connection.protocol = CONNECTION_TCP;
	connection.state = CONNECTION_CLOSED;
	connection.role = CONNECTION_CLIENT;
	connection.direction = CONNECTION_OUTGOING;
	connection.netns = 4026531840;
	connection.error = ECONNRESET;
	connection.pid = 77;
	connection.comm = "curl";
	connection.owner = (struct connection_owner){.executable = "/usr/bin/curl",
						     .command_line = "curl -s",
						     .user = "www",
						     .container_id = "c0ffee",
						     .container_runtime = "docker",
						     .pod_uid = "p-1",
						     .systemd_unit = "a.service",
						     .service = "shop",
						     .service_source = "otel",
						     .env = "prod",
						     .version = "1.2"};
	connection.facts.known = FACTS_ALL_COUNTERS;
	connection.interval = (struct connection_counters){1, 2, 3, 4, 5};
	connection.total = (struct connection_counters){11, 12, 13, 14, 15};
	connection.has_rtt = true;
	connection.rtt_us = 100;
	connection.rtt_var_us = 10;
	connection.started_unix_ns = UINT64_C(1600000000000000000);
	connection.established_unix_ns = connection.started_unix_ns + 250000;
	connection.closed_unix_ns = connection.started_unix_ns + 3000000;
	return connection;
}

static void assert_text(const struct connection *connection, const char *wanted)
{
	char *text = record_json_text(record_json_connection(connection, &interval));

	assert_string_equal(text, wanted);
	free(text);
}

static void unknown_fields_are_absent(void **state)
{
	struct connection connection = minimal();

	(void)state;
	assert_text(&connection,
		    "{\"time\":\"2023-11-14T22:13:20.000Z\",\"id\":1,\"probe_instance\":\"abc\","
		    "\"state\":\"open\",\"proto\":\"udp\",\"family\":\"ipv4\","
		    "\"local_ip\":\"10.0.0.1\",\"local_port\":53,\"remote_ip\":\"10.0.0.2\","
		    "\"remote_port\":5353}");
}

static void known_fields_are_there(void **state)
{
	struct connection connection = complete();

	(void)state;
	assert_text(&connection,
		    "{\"time\":\"2023-11-14T22:13:20.000Z\",\"id\":1,\"probe_instance\":\"abc\","
		    "\"state\":\"closed\",\"error\":\"ECONNRESET\",\"proto\":\"tcp\","
		    "\"family\":\"ipv4\",\"direction\":\"outgoing\",\"role\":\"client\","
		    "\"local_ip\":\"10.0.0.1\",\"local_port\":53,\"remote_ip\":\"10.0.0.2\","
		    "\"remote_port\":5353,\"netns\":4026531840,\"pid\":77,\"comm\":\"curl\","
		    "\"exe\":\"/usr/bin/curl\",\"cmdline\":\"curl -s\",\"user\":\"www\","
		    "\"container_id\":\"c0ffee\",\"container_runtime\":\"docker\","
		    "\"pod_uid\":\"p-1\",\"systemd_unit\":\"a.service\",\"service\":\"shop\","
		    "\"service_source\":\"otel\",\"env\":\"prod\",\"version\":\"1.2\",\"bytes_sent\":1,"
		    "\"bytes_received\":2,\"packets_sent\":3,\"packets_received\":4,"
		    "\"retransmits\":5,\"total_bytes_sent\":11,\"total_bytes_received\":12,"
		    "\"total_packets_sent\":13,\"total_packets_received\":14,"
		    "\"total_retransmits\":15,\"rtt_us\":100,\"rtt_var_us\":10,"
		    "\"started\":\"2020-09-13T12:26:40.000Z\",\"connect_us\":250,"
		    "\"duration_ms\":3}");
}

/* The value of one field; the object is dropped. */
static json_int_t number_of(const struct connection *connection, const char *name)
{
	json_t *object = record_json_connection(connection, &interval);
	json_t *value = json_object_get(object, name);
	json_int_t number = value ? json_integer_value(value) : -1;

	json_decref(object);
	return number;
}

static void open_connection_lasts_until_the_end_of_the_interval(void **state)
{
	struct connection connection = minimal();

	(void)state;
	connection.started_unix_ns = interval.end_unix_ns - 5000000;
	assert_int_equal(number_of(&connection, "duration_ms"), 5);
}

static void server_has_no_connect_time(void **state)
{
	struct connection connection = complete();

	(void)state;
	connection.role = CONNECTION_SERVER;
	assert_int_equal(number_of(&connection, "connect_us"), -1);
}

static void connection_that_failed_has_no_connect_time(void **state)
{
	struct connection connection = complete();

	(void)state;
	connection.state = CONNECTION_FAILED;
	connection.established_unix_ns = 0;
	assert_int_equal(number_of(&connection, "connect_us"), -1);
}

static void counter_beyond_json_is_the_largest_number(void **state)
{
	struct connection connection = minimal();

	(void)state;
	connection.facts.known = FACTS_ALL_COUNTERS;
	connection.total.bytes_sent = UINT64_MAX;
	assert_true(number_of(&connection, "total_bytes_sent") == INT64_MAX);
}

static void counter_known_to_be_zero_is_zero(void **state)
{
	struct connection connection = minimal();

	(void)state;
	connection.facts.known = FACT_BIT(17);
	assert_int_equal(number_of(&connection, "bytes_received"), 0);
	assert_int_equal(number_of(&connection, "total_bytes_received"), 0);
	assert_int_equal(number_of(&connection, "bytes_sent"), -1);
	assert_int_equal(number_of(&connection, "total_retransmits"), -1);
}

/* The record without its members up to and with `last`, as text; heap. */
static char *text_after(json_t *record, const char *last)
{
	char *text = record_json_text(record);
	char *member = strstr(text, last);
	char *rest = strdup(member ? member + strlen(last) : "?");

	free(text);
	return rest;
}

static void facts_are_there_by_their_bits(void **state)
{
	struct connection connection = minimal();
	char *text;

	(void)state;
	connection.facts = (struct connection_facts){
		.known = FACT_BIT(30) | FACT_BIT(35) | FACT_BIT(38) | FACT_BIT(43) | FACT_BIT(44),
		.retransmits_timeout = 7,
		.retransmits_fast = 8,
		.ecn = true,
		.closed_first = CONNECTION_REMOTE_SIDE,
		.tcp_state = 8};
	text = text_after(record_json_connection(&connection, &interval), "\"remote_port\":5353");
	assert_string_equal(text, ",\"retransmits_timeout\":7,\"ecn\":true,\"lost\":0,"
				  "\"closed_first\":\"remote\",\"tcp_state\":\"CLOSE_WAIT\"}");
	free(text);
}

static void drops_are_an_object_of_reasons(void **state)
{
	struct connection connection = minimal();
	char *text;

	(void)state;
	connection.n_drops = 2;
	connection.drops[0] = (struct connection_drop){.reason = "TCP_OFOMERGE", .packets = 3};
	connection.drops[1] = (struct connection_drop){.reason = "OTHER", .packets = 1};
	text = text_after(record_json_connection(&connection, &interval), "\"remote_port\":5353");
	assert_string_equal(text, ",\"drops\":{\"TCP_OFOMERGE\":3,\"OTHER\":1}}");
	free(text);
}

static void accept_time_needs_both_ends(void **state)
{
	struct connection connection = complete();

	(void)state;
	assert_int_equal(number_of(&connection, "accept_us"), -1);
	connection.accepted_unix_ns = connection.established_unix_ns + 42000;
	assert_int_equal(number_of(&connection, "accept_us"), 42);
	connection.established_unix_ns = 0;
	assert_int_equal(number_of(&connection, "accept_us"), -1);
}

static struct connection listener(void)
{
	struct connection listener = minimal();

	listener.protocol = CONNECTION_TCP;
	listener.state = CONNECTION_LISTENING;
	listener.netns = 9;
	listener.comm = "nginx";
	listener.facts = (struct connection_facts){
		.known = FACT_BIT(44) | FACT_BIT(46) | FACT_BIT(47) | FACT_BIT(48) | FACT_BIT(49),
		.tcp_state = 10,
		.accept_queue = 1,
		.accept_queue_max = 128,
		.dropped_attempts = 40,
		.synack_retransmits = 50};
	listener.refusals = (struct connection_refusals){true, 4, 5};
	return listener;
}

static void listener_has_one_end_and_its_queue(void **state)
{
	struct connection one = listener();
	char *text = text_after(record_json_listener(&one, &interval), "\"abc\",");

	(void)state;
	assert_string_equal(text,
			    "\"state\":\"listening\",\"proto\":\"tcp\",\"family\":\"ipv4\","
			    "\"local_ip\":\"10.0.0.1\",\"local_port\":53,\"netns\":9,"
			    "\"comm\":\"nginx\",\"accept_queue\":1,\"accept_queue_max\":128,"
			    "\"total_dropped_attempts\":40,\"total_synack_retransmits\":50,"
			    "\"dropped_attempts\":4,\"synack_retransmits\":5}");
	free(text);
}

static void what_a_listener_refused_in_the_interval_may_be_unknown(void **state)
{
	struct connection one = listener();
	char *text;

	(void)state;
	one.refusals.is_known = false;
	text = text_after(record_json_listener(&one, &interval), "\"total_dropped_attempts\":40");
	assert_string_equal(text, ",\"total_synack_retransmits\":50}");
	free(text);
	one.refusals.is_known = true;
	one.facts.known &= ~FACT_BIT(FACT_SYNACK_RETRANSMITS);
	text = text_after(record_json_listener(&one, &interval), "\"total_dropped_attempts\":40");
	assert_string_equal(text, ",\"dropped_attempts\":4}");
	free(text);
}

static void text_that_is_not_utf8_still_gives_valid_json(void **state)
{
	struct connection connection = minimal();
	char *text;
	json_t *parsed;

	(void)state;
	connection.comm = "a\xff\"\n";
	text = record_json_text(record_json_connection(&connection, &interval));
	parsed = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(parsed, "comm")),
			    "a\xef\xbf\xbd\"\n");
	json_decref(parsed);
	free(text);
}

static void error_without_a_name_is_its_number(void **state)
{
	struct connection connection = minimal();
	json_t *object;

	(void)state;
	connection.error = 60000;
	object = record_json_connection(&connection, &interval);
	assert_string_equal(json_string_value(json_object_get(object, "error")), "E60000");
	json_decref(object);
}

static void overflow_names_its_cause_and_counters(void **state)
{
	const struct overflow overflow = {
		.cause = "ring_full", .n_connections = 2, .interval = {1, 2, 3, 4, 5}};
	char *text = record_json_text(record_json_overflow(&overflow, &interval));

	(void)state;
	assert_string_equal(text,
			    "{\"time\":\"2023-11-14T22:13:20.000Z\",\"probe_instance\":\"abc\","
			    "\"overflow\":{\"cause\":\"ring_full\",\"connections\":2,"
			    "\"bytes_sent\":1,\"bytes_received\":2,\"packets_sent\":3,"
			    "\"packets_received\":4,\"retransmits\":5}}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_fields_are_absent),
		cmocka_unit_test(known_fields_are_there),
		cmocka_unit_test(open_connection_lasts_until_the_end_of_the_interval),
		cmocka_unit_test(server_has_no_connect_time),
		cmocka_unit_test(connection_that_failed_has_no_connect_time),
		cmocka_unit_test(counter_beyond_json_is_the_largest_number),
		cmocka_unit_test(counter_known_to_be_zero_is_zero),
		cmocka_unit_test(facts_are_there_by_their_bits),
		cmocka_unit_test(drops_are_an_object_of_reasons),
		cmocka_unit_test(accept_time_needs_both_ends),
		cmocka_unit_test(listener_has_one_end_and_its_queue),
		cmocka_unit_test(what_a_listener_refused_in_the_interval_may_be_unknown),
		cmocka_unit_test(text_that_is_not_utf8_still_gives_valid_json),
		cmocka_unit_test(error_without_a_name_is_its_number),
		cmocka_unit_test(overflow_names_its_cause_and_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
