/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "intake.pb-c.h"
#include "intake/connections.h"
#include "intake/payload.h"
#include "intake/host.h"

#define MAX_MESSAGES 8

typedef Datadog__ProcessAgent__CollectorConnections Message;

static const struct host host = {.name = "h"};

struct sent {
	Message *messages[MAX_MESSAGES];
	size_t n;
	int fail_with;
};

static int keep(void *context, const uint8_t *body, size_t size, size_t n_connections)
{
	struct sent *sent = context;
	Message *message = datadog__process_agent__collector_connections__unpack(NULL, size, body);

	assert_non_null(message);
	assert_int_equal(message->n_connections, n_connections);
	assert_in_range(sent->n, 0, MAX_MESSAGES - 1);
	sent->messages[sent->n++] = message;
	return sent->fail_with;
}

static int encode(struct connections *connections, size_t max_per_message, struct sent *sent)
{
	const struct connections_group group = {
		.host = &host, .id = 5, .max_per_message = max_per_message};

	return connections_encode(connections, &group, keep, sent);
}

static void discard(struct sent *sent)
{
	for (size_t i = 0; i < sent->n; i++)
		datadog__process_agent__collector_connections__free_unpacked(sent->messages[i],
									     NULL);
}

/* To 10.0.0.`last`, of process `pid`. */
static struct connection connection(uint8_t last, uint32_t pid)
{
	return (struct connection){
		.protocol = CONNECTION_TCP,
		.family = CONNECTION_IPV4,
		.state = CONNECTION_OPEN,
		.remote_address = {10, 0, 0, last},
		.pid = pid,
	};
}

static void add(struct connections *connections, uint8_t last, uint32_t pid)
{
	struct connection one = connection(last, pid);

	assert_int_equal(connections_add(connections, &one), 0);
}

static int64_t telemetry(const Message *message, const char *key)
{
	for (size_t i = 0; i < message->n_conntelemetrymap; i++)
		if (!strcmp(message->conntelemetrymap[i]->key, key))
			return message->conntelemetrymap[i]->value;
	return -1;
}

static void nothing_is_sent_for_no_connections(void **state)
{
	struct connections *connections = connections_new(10);
	struct sent sent = {0};

	(void)state;
	assert_int_equal(encode(connections, 3, &sent), 0);
	assert_int_equal(sent.n, 0);
	connections_free(connections);
}

static void connections_are_cut_into_messages_of_one_group(void **state)
{
	struct connections *connections = connections_new(10);
	struct sent sent = {0};

	(void)state;
	for (uint8_t i = 0; i < 7; i++)
		add(connections, i, 1);
	assert_int_equal(encode(connections, 3, &sent), 0);

	assert_int_equal(sent.n, 3);
	assert_int_equal(sent.messages[2]->n_connections, 1);
	assert_int_equal(sent.messages[0]->groupid, 5);
	assert_int_equal(sent.messages[2]->groupid, 5);
	assert_int_equal(sent.messages[0]->groupsize, 3);
	assert_int_equal(sent.messages[2]->groupsize, 3);
	discard(&sent);
	connections_free(connections);
}

static void exact_multiple_makes_no_empty_message(void **state)
{
	struct connections *connections = connections_new(10);
	struct sent sent = {0};

	(void)state;
	for (uint8_t i = 0; i < 6; i++)
		add(connections, i, 1);
	assert_int_equal(encode(connections, 3, &sent), 0);
	assert_int_equal(sent.n, 2);
	assert_int_equal(sent.messages[0]->groupsize, 2);
	discard(&sent);
	connections_free(connections);
}

static void connections_are_sorted_by_remote_address_then_pid(void **state)
{
	struct connections *connections = connections_new(10);
	struct sent sent = {0};

	(void)state;
	add(connections, 9, 1);
	add(connections, 2, 8);
	add(connections, 2, 3);
	assert_int_equal(encode(connections, 10, &sent), 0);

	assert_string_equal(sent.messages[0]->connections[0]->raddr->ip, "10.0.0.2");
	assert_int_equal(sent.messages[0]->connections[0]->pid, 3);
	assert_int_equal(sent.messages[0]->connections[1]->pid, 8);
	assert_string_equal(sent.messages[0]->connections[2]->raddr->ip, "10.0.0.9");
	discard(&sent);
	connections_free(connections);
}

static void connection_over_the_maximum_is_dropped_and_counted(void **state)
{
	struct connections *connections = connections_new(1);
	struct connection one = connection(1, 1);
	struct sent sent = {0};

	(void)state;
	assert_int_equal(connections_add(connections, &one), 0);
	assert_int_equal(connections_add(connections, &one), -ENOSPC);
	one.state = CONNECTION_CLOSED;
	assert_int_equal(connections_add(connections, &one), -ENOSPC);
	assert_int_equal(encode(connections, 10, &sent), 0);

	assert_int_equal(sent.messages[0]->n_connections, 1);
	assert_int_equal(telemetry(sent.messages[0], "conn_dropped"), 1);
	assert_int_equal(telemetry(sent.messages[0], "closed_conn_dropped"), 1);
	assert_int_equal(telemetry(sent.messages[0], "conns_closed"), 1);
	discard(&sent);
	connections_free(connections);
}

static void overflow_is_told_by_its_cause(void **state)
{
	const struct overflow closed = {.cause = "closed_ring_full", .n_connections = 4};
	const struct overflow udp = {.cause = "udp_table_full", .n_connections = 7};
	const struct payload_telemetry lost = {.n_closed = 2, .n_closed_dropped = 20, .n_dropped = 100};
	struct connections *connections = connections_new(1);
	struct sent sent = {0};

	(void)state;
	connections_add_overflow(connections, &closed);
	connections_add_overflow(connections, &udp);
	connections_add_lost(connections, 10, &lost);
	add(connections, 1, 1);
	assert_int_equal(encode(connections, 10, &sent), 0);

	assert_int_equal(telemetry(sent.messages[0], "closed_conn_dropped"), 24);
	assert_int_equal(telemetry(sent.messages[0], "conn_dropped"), 117);
	assert_int_equal(telemetry(sent.messages[0], "conns_closed"), 2);
	discard(&sent);
	connections_free(connections);
}

static void telemetry_is_in_the_first_message_only(void **state)
{
	struct connections *connections = connections_new(2);
	struct sent sent = {0};

	(void)state;
	add(connections, 1, 1);
	add(connections, 2, 1);
	assert_int_equal(encode(connections, 1, &sent), 0);
	assert_int_equal(sent.messages[0]->n_conntelemetrymap, 3);
	assert_int_equal(sent.messages[1]->n_conntelemetrymap, 0);
	discard(&sent);
	connections_free(connections);
}

static void texts_are_copied(void **state)
{
	char container[] = "c0ffee", executable[] = "/usr/sbin/nginx";
	struct connections *connections = connections_new(2);
	struct connection one = connection(1, 1);
	struct sent sent = {0};

	(void)state;
	one.owner.container_id = container;
	one.owner.executable = executable;
	assert_int_equal(connections_add(connections, &one), 0);
	memset(container, 'x', sizeof(container) - 1);
	memset(executable, 'x', sizeof(executable) - 1);
	assert_int_equal(encode(connections, 10, &sent), 0);

	assert_string_equal(sent.messages[0]->connections[0]->laddr->containerid, "c0ffee");
	assert_non_null(memmem(sent.messages[0]->encodedconnectionstags.data,
			       sent.messages[0]->encodedconnectionstags.len,
			       "process_context:nginx", 21));
	discard(&sent);
	connections_free(connections);
}

static void comm_stands_in_for_an_unknown_executable(void **state)
{
	struct connections *connections = connections_new(2);
	struct connection one = connection(1, 1);
	struct sent sent = {0};

	(void)state;
	one.comm = "k\nworker";
	assert_int_equal(connections_add(connections, &one), 0);
	assert_int_equal(encode(connections, 10, &sent), 0);
	assert_non_null(memmem(sent.messages[0]->encodedconnectionstags.data,
			       sent.messages[0]->encodedconnectionstags.len,
			       "process_context:k_worker", 24));
	discard(&sent);
	connections_free(connections);
}

static void clear_begins_a_new_interval(void **state)
{
	const struct payload_telemetry lost = {.n_dropped = 1};
	struct connections *connections = connections_new(1);
	struct sent sent = {0};

	(void)state;
	add(connections, 1, 1);
	connections_add_lost(connections, 3, &lost);
	connections_clear(connections);
	assert_int_equal(connections_count(connections), 0);
	add(connections, 2, 1);
	assert_int_equal(encode(connections, 10, &sent), 0);
	assert_int_equal(telemetry(sent.messages[0], "conn_dropped"), 0);
	discard(&sent);
	connections_free(connections);
}

static void encoding_stops_when_the_sink_fails(void **state)
{
	struct connections *connections = connections_new(2);
	struct sent sent = {.fail_with = -EIO};

	(void)state;
	add(connections, 1, 1);
	add(connections, 2, 1);
	assert_int_equal(encode(connections, 1, &sent), -EIO);
	assert_int_equal(sent.n, 1);
	discard(&sent);
	connections_free(connections);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_for_no_connections),
		cmocka_unit_test(connections_are_cut_into_messages_of_one_group),
		cmocka_unit_test(exact_multiple_makes_no_empty_message),
		cmocka_unit_test(connections_are_sorted_by_remote_address_then_pid),
		cmocka_unit_test(connection_over_the_maximum_is_dropped_and_counted),
		cmocka_unit_test(overflow_is_told_by_its_cause),
		cmocka_unit_test(telemetry_is_in_the_first_message_only),
		cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(comm_stands_in_for_an_unknown_executable),
		cmocka_unit_test(clear_begins_a_new_interval),
		cmocka_unit_test(encoding_stops_when_the_sink_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
