/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "intake.pb-c.h"
#include "intake/payload.h"
#include "subnets.h"

#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

typedef Datadog__ProcessAgent__CollectorConnections Message;
typedef Datadog__ProcessAgent__Connection Connection;

static const struct host host = {
	.name = "host.example",
	.kernel_version = "6.1.0",
	.architecture = "x86_64",
	.platform = "debian",
	.platform_version = "12",
	.ephemeral_first = 32768,
	.ephemeral_last = 60999,
};

static const struct record client = {
	.id = 1,
	.interval = {1000, 5000000000, 10, 20, 3},
	.local_address = {10, 0, 0, 5},
	.remote_address = {10, 0, 0, 9},
	.local_port = 40000,
	.remote_port = 443,
	.netns = 4026531840,
	.pid = 100,
	.rtt_us = 250,
	.rtt_var_us = 30,
	.protocol = CONNECTION_TCP,
	.family = CONNECTION_IPV4,
	.state = CONNECTION_OPEN,
	.role = CONNECTION_CLIENT,
	.direction = CONNECTION_OUTGOING,
	.is_established_now = true,
	.process = "curl",
};

static const struct record server = {
	.id = 2,
	.interval = {.bytes_sent = 1},
	.local_address = {[15] = 1},
	.remote_address = {0x20, 0x01, 0x0d, 0xb8, [15] = 7},
	.local_port = 80,
	.remote_port = 50000,
	.netns = 4026532000,
	.error = ECONNRESET,
	.pid = 200,
	.protocol = CONNECTION_TCP,
	.family = CONNECTION_IPV6,
	.state = CONNECTION_CLOSED,
	.role = CONNECTION_SERVER,
	.direction = CONNECTION_LOCAL,
	.container_id = CONTAINER,
	.process = "nginx",
};

/* Encode and decode again; only what a test looks at must survive. */
static Message *encode(const struct record *records, size_t n,
		       const struct payload_telemetry *telemetry)
{
	struct payload payload = {.host = &host,
				  .group_id = 7,
				  .group_size = 2,
				  .telemetry = telemetry,
				  .records = records,
				  .n_records = n};
	uint8_t *body = NULL;
	size_t size = 0;
	Message *message;

	assert_int_equal(payload_encode(&payload, &body, &size), 0);
	message = datadog__process_agent__collector_connections__unpack(NULL, size, body);
	assert_non_null(message);
	free(body);
	return message;
}

static void discard(Message *message)
{
	datadog__process_agent__collector_connections__free_unpacked(message, NULL);
}

static size_t read_golden(uint8_t *bytes, size_t max)
{
	FILE *file = fopen(GOLDEN_DIR "/two_connections.bin", "rbe");
	size_t size;

	assert_non_null(file);
	size = fread(bytes, 1, max, file);
	fclose(file);
	return size;
}

static void bytes_are_those_that_protoc_makes(void **state)
{
	static const struct payload_telemetry telemetry = {1, 2, 3};
	const struct record records[] = {client, server};
	struct payload payload = {.host = &host,
				  .group_id = 7,
				  .group_size = 2,
				  .telemetry = &telemetry,
				  .records = records,
				  .n_records = 2};
	uint8_t golden[4096], *body;
	size_t golden_size = read_golden(golden, sizeof(golden)), size;

	(void)state;
	assert_int_equal(payload_encode(&payload, &body, &size), 0);
	assert_int_equal(size, golden_size);
	assert_memory_equal(body, golden, size);
	free(body);
}

static void telemetry_is_left_out_when_not_given(void **state)
{
	Message *message = encode(&client, 1, NULL);

	(void)state;
	assert_int_equal(message->n_conntelemetrymap, 0);
	discard(message);
}

static void connection_without_process_has_no_tags(void **state)
{
	struct record record = client;
	Message *message;

	(void)state;
	record.process = NULL;
	message = encode(&record, 1, NULL);
	assert_int_equal(message->connections[0]->tagsidx, -1);
	assert_int_equal(message->connections[0]->tagschecksum, 0);
	discard(message);
}

static void failed_attempt_counts_its_errno(void **state)
{
	struct record record = client;
	Message *message;

	(void)state;
	record.state = CONNECTION_FAILED;
	record.error = ECONNREFUSED;
	message = encode(&record, 1, NULL);
	assert_int_equal(message->connections[0]->n_tcpfailuresbyerrcode, 1);
	assert_int_equal(message->connections[0]->tcpfailuresbyerrcode[0]->key, ECONNREFUSED);
	assert_int_equal(message->connections[0]->tcpfailuresbyerrcode[0]->value, 1);
	assert_int_equal(message->connections[0]->lasttcpclosed, 0);
	discard(message);
}

static void attempt_given_up_without_errno_counts_as_cancelled(void **state)
{
	struct record record = client;
	Message *message;

	(void)state;
	record.state = CONNECTION_FAILED;
	message = encode(&record, 1, NULL);
	assert_int_equal(message->connections[0]->tcpfailuresbyerrcode[0]->key, ECANCELED);
	discard(message);
}

static void ecn_that_both_ends_agreed_on_is_told(void **state)
{
	struct record record = client;
	Message *message;

	(void)state;
	record.has_ecn = true;
	message = encode(&record, 1, NULL);
	assert_true(message->connections[0]->tcpecnnegotiated);
	discard(message);
}

static void good_end_is_no_failure(void **state)
{
	struct record record = client;
	Message *message;

	(void)state;
	record.state = CONNECTION_CLOSED;
	message = encode(&record, 1, NULL);
	assert_int_equal(message->connections[0]->n_tcpfailuresbyerrcode, 0);
	assert_int_equal(message->connections[0]->lasttcpclosed, 1);
	discard(message);
}

static void udp_has_no_tcp_life_cycle(void **state)
{
	struct record record = client;
	Message *message;

	(void)state;
	record.protocol = CONNECTION_UDP;
	record.state = CONNECTION_CLOSED;
	message = encode(&record, 1, NULL);
	assert_int_equal(message->connections[0]->type,
			 DATADOG__PROCESS_AGENT__CONNECTION_TYPE__udp);
	assert_int_equal(message->connections[0]->lasttcpestablished, 0);
	assert_int_equal(message->connections[0]->lasttcpclosed, 0);
	discard(message);
}

static void local_connection_of_unknown_role_has_direction_local(void **state)
{
	struct record record = server;
	Message *message;

	(void)state;
	record.role = CONNECTION_ROLE_UNKNOWN;
	message = encode(&record, 1, NULL);
	assert_int_equal(message->connections[0]->direction,
			 DATADOG__PROCESS_AGENT__CONNECTION_DIRECTION__local);
	assert_true(message->connections[0]->intrahost);
	discard(message);
}

static void local_client_is_outgoing(void **state)
{
	struct record record = client;
	Message *message;

	(void)state;
	record.direction = CONNECTION_LOCAL;
	message = encode(&record, 1, NULL);
	assert_int_equal(message->connections[0]->direction,
			 DATADOG__PROCESS_AGENT__CONNECTION_DIRECTION__outgoing);
	assert_true(message->connections[0]->intrahost);
	discard(message);
}

static void ephemeral_range_includes_both_ends(void **state)
{
	struct record records[] = {client, client, client, client};
	Message *message;

	(void)state;
	records[0].local_port = 32767;
	records[1].local_port = 32768;
	records[2].local_port = 60999;
	records[3].local_port = 61000;
	message = encode(records, 4, NULL);
	assert_int_equal(message->connections[0]->islocalportephemeral, 2);
	assert_int_equal(message->connections[1]->islocalportephemeral, 1);
	assert_int_equal(message->connections[2]->islocalportephemeral, 1);
	assert_int_equal(message->connections[3]->islocalportephemeral, 2);
	discard(message);
}

static void pid_with_many_connections_names_its_container_once(void **state)
{
	const struct record records[] = {server, client, server};
	Message *message = encode(records, 3, NULL);

	(void)state;
	assert_int_equal(message->n_containerforpid, 1);
	assert_int_equal(message->containerforpid[0]->key, 200);
	assert_string_equal(message->containerforpid[0]->value, CONTAINER);
	discard(message);
}

static void too_many_retransmits_are_clamped(void **state)
{
	struct record record = client;
	Message *message;

	(void)state;
	record.interval.retransmits = UINT64_C(1) << 40;
	message = encode(&record, 1, NULL);
	assert_int_equal(message->connections[0]->lastretransmits, UINT32_MAX);
	discard(message);
}

/* `client` and others that leave by these two subnets, or by none. */
static Message *encode_routes(const struct subnets *subnets)
{
	struct record records[] = {client, client, client, client};
	struct payload payload = {.host = &host,
				  .group_id = 1,
				  .group_size = 1,
				  .subnets = subnets,
				  .records = records,
				  .n_records = 4};
	uint8_t *body = NULL;
	size_t size = 0;
	Message *message;

	records[0].local_address[2] = 2;
	records[1].local_address[2] = 99;
	records[2].local_address[2] = 1;
	records[3].local_address[2] = 2;
	assert_int_equal(payload_encode(&payload, &body, &size), 0);
	message = datadog__process_agent__collector_connections__unpack(NULL, size, body);
	assert_non_null(message);
	free(body);
	return message;
}

static void route_is_the_subnet_that_a_connection_leaves_by(void **state)
{
	static struct subnets subnets;
	Message *message;

	(void)state;
	assert_int_equal(subnets_add(&subnets, "subnet-0", "02:00:00:00:00:03", "10.0.7.0/24"), 0);
	assert_int_equal(subnets_add(&subnets, "subnet-1", "02:00:00:00:00:01", "10.0.1.0/24"), 0);
	assert_int_equal(subnets_add(&subnets, "subnet-2", "02:00:00:00:00:02", "10.0.2.0/24"), 0);
	message = encode_routes(&subnets);
	assert_int_equal(message->n_routes, 2); /* those that this message needs */
	assert_string_equal(message->routes[0]->subnet->alias, "subnet-2");
	assert_string_equal(message->routes[0]->interface->hardwareaddr, "02:00:00:00:00:02");
	assert_string_equal(message->routes[1]->subnet->alias, "subnet-1");
	assert_int_equal(message->connections[0]->routeidx, 0);
	assert_int_equal(message->connections[1]->routeidx, -1);
	assert_int_equal(message->connections[2]->routeidx, 1);
	assert_int_equal(message->connections[3]->routeidx, 0);
	discard(message);
}

static void without_subnets_there_are_no_routes(void **state)
{
	Message *message = encode_routes(NULL);

	(void)state;
	assert_int_equal(message->n_routes, 0);
	assert_int_equal(message->connections[0]->routeidx, -1);
	discard(message);
}

static void number_of_connections_is_limited(void **state)
{
	static struct record records[PAYLOAD_MAX_CONNECTIONS + 1];
	struct payload payload = {.host = &host,
				  .group_id = 1,
				  .group_size = 1,
				  .records = records,
				  .n_records = PAYLOAD_MAX_CONNECTIONS + 1};
	uint8_t *body = NULL;
	size_t size;

	(void)state;
	assert_int_equal(payload_encode(&payload, &body, &size), -EINVAL);
	payload.n_records = 0;
	assert_int_equal(payload_encode(&payload, &body, &size), -EINVAL);
	payload.n_records = PAYLOAD_MAX_CONNECTIONS;
	assert_int_equal(payload_encode(&payload, &body, &size), 0);
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_those_that_protoc_makes),
		cmocka_unit_test(telemetry_is_left_out_when_not_given),
		cmocka_unit_test(connection_without_process_has_no_tags),
		cmocka_unit_test(failed_attempt_counts_its_errno),
		cmocka_unit_test(attempt_given_up_without_errno_counts_as_cancelled),
		cmocka_unit_test(ecn_that_both_ends_agreed_on_is_told),
		cmocka_unit_test(good_end_is_no_failure),
		cmocka_unit_test(udp_has_no_tcp_life_cycle),
		cmocka_unit_test(local_connection_of_unknown_role_has_direction_local),
		cmocka_unit_test(local_client_is_outgoing),
		cmocka_unit_test(ephemeral_range_includes_both_ends),
		cmocka_unit_test(pid_with_many_connections_names_its_container_once),
		cmocka_unit_test(too_many_retransmits_are_clamped),
		cmocka_unit_test(route_is_the_subnet_that_a_connection_leaves_by),
		cmocka_unit_test(without_subnets_there_are_no_routes),
		cmocka_unit_test(number_of_connections_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
