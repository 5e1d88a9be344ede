/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/diag_connection.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "recorded.h"

static struct sp_connection filled(const char *name, enum sp_role role, bool has_fin)
{
	struct diag_socket socket = parse_recorded(name, IPPROTO_TCP);
	struct sp_connection record = { 0 };

	diag_connection_fill(&record, &socket, role, has_fin);
	return record;
}

static void recorded_ends_tell_who_connected(void **state)
{
	struct diag_socket client = parse_recorded("tcp_client", IPPROTO_TCP);
	struct diag_socket server = parse_recorded("tcp_server", IPPROTO_TCP);

	(void)state;
	assert_int_equal(diag_connection_role(&client, SP_ROLE_UNKNOWN, true), SP_ROLE_CLIENT);
	assert_int_equal(diag_connection_role(&server, SP_ROLE_UNKNOWN, false), SP_ROLE_SERVER);
}

static void recorded_end_of_the_client_tells_it_too(void **state)
{
	struct diag_socket client = parse_recorded("end_client", IPPROTO_TCP);

	(void)state;
	assert_int_equal(diag_connection_role(&client, SP_ROLE_UNKNOWN, true), SP_ROLE_CLIENT);
}

static void end_of_a_server_needs_to_know_who_listened(void **state)
{
	struct diag_socket server = parse_recorded("end_server", IPPROTO_TCP);

	(void)state;
	assert_int_equal(diag_connection_role(&server, SP_ROLE_UNKNOWN, true), SP_ROLE_SERVER);
	assert_int_equal(diag_connection_role(&server, SP_ROLE_UNKNOWN, false), SP_ROLE_CLIENT);
	assert_int_equal(diag_connection_role(&server, SP_ROLE_SERVER, false), SP_ROLE_SERVER);
}

static void old_kernel_goes_by_the_listener(void **state)
{
	struct diag_socket client = parse_recorded("tcp_client", IPPROTO_TCP);

	(void)state;
	client.info_size = offsetof(struct tcp_info, tcpi_segs_in) + 4;
	assert_int_equal(diag_connection_role(&client, SP_ROLE_UNKNOWN, true), SP_ROLE_SERVER);
	assert_int_equal(diag_connection_role(&client, SP_ROLE_UNKNOWN, false), SP_ROLE_CLIENT);
}

static void payload_is_without_syn_and_fin(void **state)
{
	struct sp_connection record = filled("tcp_client", SP_ROLE_CLIENT, false);

	(void)state;
	assert_int_equal(record.counters.bytes_sent, 1000);
	assert_int_equal(record.counters.bytes_received, 10);
	record = filled("end_server", SP_ROLE_SERVER, true);
	assert_int_equal(record.counters.bytes_sent, 10);
	assert_int_equal(record.counters.bytes_received, 1000);
}

/* It had acknowledged 1,000 bytes and the SYN. */
static void old_kernel_counts_what_was_acknowledged(void **state)
{
	struct diag_socket client = parse_recorded("tcp_client", IPPROTO_TCP);
	struct sp_connection record = { 0 };

	(void)state;
	client.info_size = offsetof(struct tcp_info, tcpi_segs_in) + 4;
	client.info.tcpi_bytes_sent = 0;
	diag_connection_fill(&record, &client, SP_ROLE_CLIENT, false);
	assert_int_equal(record.counters.bytes_sent, 1000);
	assert_true(record.known & SP_KNOWN(BYTES_SENT));
	assert_true(record.known & SP_KNOWN(PACKETS_RECEIVED));
	assert_false(record.known & SP_KNOWN(MIN_RTT_US));
	assert_false(record.known & SP_KNOWN(DELIVERY_RATE));
	assert_false(record.known & SP_KNOWN(OUT_OF_ORDER));
}

static void what_sock_diag_never_tells_is_not_known(void **state)
{
	struct sp_connection live = filled("tcp_client", SP_ROLE_CLIENT, false);
	struct sp_connection ended = filled("end_client", SP_ROLE_CLIENT, true);

	(void)state;
	assert_int_equal(live.known, SP_KNOWN_COUNTERS | SP_KNOWN_QUALITY);
	assert_false(live.known & (SP_KNOWN_RESETS | SP_KNOWN_RETRANSMIT_KINDS));
	assert_int_equal(ended.known, (SP_KNOWN_COUNTERS | SP_KNOWN_QUALITY) &
					      ~(SP_KNOWN(TCP_STATE) | SP_KNOWN(ZERO_WINDOW_PROBES)));
}

static void mapped_address_is_ipv4(void **state)
{
	struct diag_socket socket = parse_recorded("tcp_mapped", IPPROTO_TCP);
	struct sp_tuple tuple = diag_connection_tuple(&socket);
	const uint8_t loopback[16] = { 127, 0, 0, 1 };

	(void)state;
	assert_int_equal(tuple.family, SP_IPV4);
	assert_memory_equal(tuple.local, loopback, 16);
	assert_memory_equal(tuple.remote, loopback, 16);
}

static void ipv6_address_is_whole(void **state)
{
	struct diag_socket socket = parse_recorded("tcp_ipv6", IPPROTO_TCP);
	struct sp_tuple tuple = diag_connection_tuple(&socket);

	(void)state;
	assert_int_equal(tuple.family, SP_IPV6);
	assert_int_equal(tuple.local[15], 1);
}

static void listener_has_its_queues(void **state)
{
	struct diag_socket socket = parse_recorded("tcp_listener", IPPROTO_TCP);
	struct sp_connection record = { 0 };

	(void)state;
	diag_connection_fill_listener(&record, &socket);
	assert_int_equal(record.state, SP_STATE_LISTENING);
	assert_int_equal(record.listener.accept_queue, 0);
	assert_int_equal(record.listener.accept_queue_max, 128);
	assert_true(record.known & SP_KNOWN(DROPPED_ATTEMPTS));
	assert_int_equal(record.tuple.remote_port, 0);
}

/* A client that sent 5 and received 8 bytes with the FIN, all acknowledged. */
static struct diag_socket ended_client(void)
{
	struct diag_socket socket = { .state = DIAG_CLOSE, .info_size = sizeof(socket.info) };

	socket.info.tcpi_bytes_sent = 5;
	socket.info.tcpi_bytes_acked = 5 + 2;
	socket.info.tcpi_bytes_received = 8;
	socket.info.tcpi_rtt = 1;
	return socket;
}

static enum diag_fin fin(const struct diag_socket *socket, uint8_t last_state, bool had_file)
{
	return diag_connection_peer_fin(socket, SP_ROLE_CLIENT, last_state, had_file);
}

static void fin_is_told_by_what_is_left(void **state)
{
	struct diag_socket socket = ended_client();

	(void)state;
	assert_int_equal(fin(&socket, 0, false), DIAG_FIN_UNLESS_TIME_WAIT);
	assert_int_equal(fin(&socket, DIAG_ESTABLISHED, true), DIAG_FIN_UNLESS_TIME_WAIT);
	assert_int_equal(fin(&socket, DIAG_CLOSE_WAIT, true), DIAG_FIN_YES);
	assert_int_equal(fin(&socket, DIAG_FIN_WAIT2, true), DIAG_FIN_YES);
	assert_int_equal(fin(&socket, DIAG_FIN_WAIT2, false), DIAG_FIN_UNLESS_TIME_WAIT);
	socket.receive_queue = 1; /* the FIN itself */
	assert_int_equal(fin(&socket, 0, false), DIAG_FIN_YES);
	socket.receive_queue = 7; /* data that nobody read: a reset */
	assert_int_equal(fin(&socket, 0, false), DIAG_FIN_NO);
}

static void nothing_received_has_no_fin_to_take_off(void **state)
{
	struct diag_socket socket = ended_client();

	(void)state;
	socket.info.tcpi_bytes_received = 0;
	assert_int_equal(fin(&socket, DIAG_CLOSE_WAIT, true), DIAG_FIN_NO);
}

static void reset_before_the_own_fin_leaves_no_fin(void **state)
{
	struct diag_socket socket = ended_client();

	(void)state;
	socket.info.tcpi_bytes_acked = 5 + 1;
	assert_int_equal(fin(&socket, 0, false), DIAG_FIN_NO);
}

static void live_socket_tells_the_fin_by_its_state(void **state)
{
	struct diag_socket socket = ended_client();

	(void)state;
	socket.state = DIAG_CLOSE_WAIT;
	assert_int_equal(fin(&socket, 0, false), DIAG_FIN_YES);
	socket.state = DIAG_FIN_WAIT2;
	assert_int_equal(fin(&socket, 0, false), DIAG_FIN_NO);
}

static void client_that_nobody_answered_has_failed(void **state)
{
	struct diag_socket socket = { .state = DIAG_CLOSE, .info_size = sizeof(socket.info) };

	(void)state;
	assert_true(diag_connection_has_failed(&socket, SP_ROLE_CLIENT));
	assert_false(diag_connection_has_failed(&socket, SP_ROLE_SERVER));
	socket = ended_client();
	assert_false(diag_connection_has_failed(&socket, SP_ROLE_CLIENT));
}

static void zero_window_probes_count_while_the_window_is_shut(void **state)
{
	struct diag_socket socket = parse_recorded("tcp_client", IPPROTO_TCP);
	struct sp_connection record = { 0 };

	(void)state;
	socket.info.tcpi_backoff = 3;
	diag_connection_fill(&record, &socket, SP_ROLE_CLIENT, false);
	assert_int_equal(record.quality.zero_window_probes, 0); /* that of a retransmit */
	socket.timer = DIAG_TIMER_PROBE0;
	diag_connection_fill(&record, &socket, SP_ROLE_CLIENT, false);
	assert_int_equal(record.quality.zero_window_probes, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_ends_tell_who_connected),
		cmocka_unit_test(recorded_end_of_the_client_tells_it_too),
		cmocka_unit_test(end_of_a_server_needs_to_know_who_listened),
		cmocka_unit_test(old_kernel_goes_by_the_listener),
		cmocka_unit_test(payload_is_without_syn_and_fin),
		cmocka_unit_test(old_kernel_counts_what_was_acknowledged),
		cmocka_unit_test(what_sock_diag_never_tells_is_not_known),
		cmocka_unit_test(mapped_address_is_ipv4),
		cmocka_unit_test(ipv6_address_is_whole),
		cmocka_unit_test(listener_has_its_queues),
		cmocka_unit_test(fin_is_told_by_what_is_left),
		cmocka_unit_test(nothing_received_has_no_fin_to_take_off),
		cmocka_unit_test(reset_before_the_own_fin_leaves_no_fin),
		cmocka_unit_test(live_socket_tells_the_fin_by_its_state),
		cmocka_unit_test(client_that_nobody_answered_has_failed),
		cmocka_unit_test(zero_window_probes_count_while_the_window_is_shut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
