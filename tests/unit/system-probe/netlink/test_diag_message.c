/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/diag_message.h"

#include <errno.h>
#include <sys/socket.h>

#include "recorded.h"

static void live_client_has_its_counters(void **state)
{
	struct diag_socket socket = parse_recorded("tcp_client", IPPROTO_TCP);

	(void)state;
	assert_int_equal(socket.family, AF_INET);
	assert_int_equal(socket.state, DIAG_ESTABLISHED);
	assert_int_equal(socket.info_size, sizeof(socket.info));
	assert_int_equal(socket.info.tcpi_bytes_sent, 1000);
	assert_int_equal(socket.info.tcpi_bytes_received, 10);
	assert_int_not_equal(socket.inode, 0);
	assert_int_not_equal(socket.cookie, 0);
	assert_int_not_equal(socket.cgroup_id, 0);
}

static void ipv6_socket_is_one(void **state)
{
	(void)state;
	assert_int_equal(parse_recorded("tcp_ipv6", IPPROTO_TCP).family, AF_INET6);
}

static void listener_has_drops_and_no_counters(void **state)
{
	struct diag_socket socket = parse_recorded("tcp_listener", IPPROTO_TCP);

	(void)state;
	assert_int_equal(socket.state, DIAG_LISTEN);
	assert_true(socket.has_drops);
	assert_int_equal(socket.info_size, 0);
	assert_false(DIAG_HAS(&socket, tcpi_segs_in));
}

static void notification_of_an_end_has_the_last_counters(void **state)
{
	struct diag_socket socket = parse_recorded("end_client", 0);

	(void)state;
	assert_int_equal(socket.state, DIAG_CLOSE);
	assert_int_equal(socket.protocol, IPPROTO_TCP); /* says so itself */
	assert_int_equal(socket.info.tcpi_bytes_sent, 1000);
	assert_int_equal(socket.inode, 0);
}

static void time_wait_has_no_counters(void **state)
{
	(void)state;
	assert_int_equal(parse_recorded("time_wait", IPPROTO_TCP).info_size, 0);
}

static void udp_is_what_was_asked_for(void **state)
{
	(void)state;
	assert_int_equal(parse_recorded("udp_connected", IPPROTO_UDP).protocol, IPPROTO_UDP);
}

/* Linux 4.4 ends with tcpi_segs_in. */
static void shorter_info_of_an_old_kernel_is_taken_as_far_as_it_goes(void **state)
{
	struct recorded message = read_recorded("tcp_client");
	const size_t old_size = offsetof(struct tcp_info, tcpi_segs_in) + 4;
	struct diag_socket socket;
	size_t at;

	(void)state;
	/* The attribute INET_DIAG_INFO, cut to that size at the end of the message. */
	for (at = sizeof(struct inet_diag_msg); at < message.size; at += 4) {
		uint16_t head[2];

		memcpy(head, message.bytes + at, sizeof(head));
		if (head[1] == INET_DIAG_INFO && head[0] >= sizeof(struct tcp_info))
			break;
	}
	assert_true(at < message.size);
	message.bytes[at] = (char)(4 + old_size);
	message.bytes[at + 1] = 0;
	message.size = at + 4 + old_size;
	assert_int_equal(diag_message_parse(message.bytes, message.size, IPPROTO_TCP, &socket), 0);
	assert_int_equal(socket.info_size, old_size);
	assert_true(DIAG_HAS(&socket, tcpi_segs_in));
	assert_false(DIAG_HAS(&socket, tcpi_min_rtt));
	assert_int_equal(socket.info.tcpi_bytes_received, 10);
	assert_int_equal(socket.info.tcpi_bytes_sent, 0);
}

static void every_cut_is_refused_or_harmless(void **state)
{
	struct recorded message = read_recorded("tcp_client");
	struct diag_socket socket;

	(void)state;
	for (size_t size = 0; size < sizeof(struct inet_diag_msg); size++)
		assert_int_equal(diag_message_parse(message.bytes, size, IPPROTO_TCP, &socket),
				 -EBADMSG);
	for (size_t size = sizeof(struct inet_diag_msg); size <= message.size; size++)
		assert_int_equal(diag_message_parse(message.bytes, size, IPPROTO_TCP, &socket), 0);
}

static void other_families_are_refused(void **state)
{
	struct recorded message = read_recorded("tcp_client");
	struct diag_socket socket;

	(void)state;
	message.bytes[0] = AF_UNIX;
	assert_int_equal(diag_message_parse(message.bytes, message.size, IPPROTO_TCP, &socket),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_client_has_its_counters),
		cmocka_unit_test(ipv6_socket_is_one),
		cmocka_unit_test(listener_has_drops_and_no_counters),
		cmocka_unit_test(notification_of_an_end_has_the_last_counters),
		cmocka_unit_test(time_wait_has_no_counters),
		cmocka_unit_test(udp_is_what_was_asked_for),
		cmocka_unit_test(shorter_info_of_an_old_kernel_is_taken_as_far_as_it_goes),
		cmocka_unit_test(every_cut_is_refused_or_harmless),
		cmocka_unit_test(other_families_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
