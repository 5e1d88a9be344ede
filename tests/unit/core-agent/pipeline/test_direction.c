/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/direction.h"

#include "pipeline/listeners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct connection tcp4(void)
{
	return (struct connection){.id = 1,
				   .protocol = CONNECTION_TCP,
				   .family = CONNECTION_IPV4,
				   .state = CONNECTION_OPEN,
				   .local_address = {10, 0, 0, 1},
				   .remote_address = {10, 0, 0, 2},
				   .local_port = 443,
				   .remote_port = 40000,
				   .netns = 7};
}

static struct connection tcp6(uint8_t remote_last)
{
	struct connection connection = tcp4();

	connection.family = CONNECTION_IPV6;
	memcpy(connection.local_address, (uint8_t[16]){0x20, 1, [15] = 1}, 16);
	memcpy(connection.remote_address, (uint8_t[16]){0x20, 1, [15] = remote_last}, 16);
	return connection;
}

static enum connection_direction direction(struct connection connection, bool has_other_end)
{
	direction_fill(&connection, has_other_end);
	return connection.direction;
}

static void role_gives_the_direction(void **state)
{
	struct connection connection = tcp4();

	(void)state;
	assert_int_equal(direction(connection, false), CONNECTION_DIRECTION_UNKNOWN);
	connection.role = CONNECTION_CLIENT;
	assert_int_equal(direction(connection, false), CONNECTION_OUTGOING);
	connection.role = CONNECTION_SERVER;
	assert_int_equal(direction(connection, false), CONNECTION_INCOMING);
}

static void other_end_on_this_host_makes_it_local(void **state)
{
	struct connection connection = tcp4();

	(void)state;
	connection.role = CONNECTION_SERVER;
	assert_int_equal(direction(connection, true), CONNECTION_LOCAL);
}

static void loopback_and_equal_ends_are_local(void **state)
{
	struct connection four = tcp4(), six = tcp6(2);

	(void)state;
	memcpy(four.remote_address, (uint8_t[4]){127, 9, 0, 1}, 4);
	memset(six.remote_address, 0, 15);
	six.remote_address[15] = 1;
	assert_int_equal(direction(four, false), CONNECTION_LOCAL);
	assert_int_equal(direction(six, false), CONNECTION_LOCAL);
	assert_int_equal(direction(tcp6(1), false), CONNECTION_LOCAL);
	six = tcp6(2);
	six.role = CONNECTION_CLIENT;
	assert_int_equal(direction(six, false), CONNECTION_OUTGOING);
}

static struct listeners *listening_on_443(void)
{
	struct listeners *listeners = listeners_new(4);
	struct connection listener = {.id = 9,
				      .protocol = CONNECTION_TCP,
				      .family = CONNECTION_IPV4,
				      .state = CONNECTION_LISTENING,
				      .local_port = 443,
				      .netns = 7};

	(void)listeners_see(listeners, &listener, 0);
	return listeners;
}

static enum connection_role role(struct connection connection, const struct listeners *listeners)
{
	direction_fill_role(&connection, listeners);
	return connection.role;
}

static void old_connection_at_a_listening_port_is_a_server(void **state)
{
	struct listeners *listeners = listening_on_443();

	(void)state;
	assert_int_equal(role(tcp4(), listeners), CONNECTION_SERVER);
	listeners_free(listeners);
}

static void old_connection_elsewhere_is_a_client_once_all_listeners_are_known(void **state)
{
	struct listeners *listeners = listening_on_443();
	struct connection connection = tcp4();

	(void)state;
	connection.netns = 8;
	assert_int_equal(role(connection, listeners), CONNECTION_ROLE_UNKNOWN);
	listeners_sweep(listeners);
	assert_int_equal(role(connection, listeners), CONNECTION_CLIENT);
	listeners_free(listeners);
}

static void role_that_was_told_stays(void **state)
{
	struct listeners *listeners = listening_on_443();
	struct connection connection = tcp4();

	(void)state;
	connection.role = CONNECTION_CLIENT;
	assert_int_equal(role(connection, listeners), CONNECTION_CLIENT);
	listeners_free(listeners);
}

static void udp_has_no_listeners(void **state)
{
	struct listeners *listeners = listening_on_443();
	struct connection connection = tcp4();

	(void)state;
	connection.protocol = CONNECTION_UDP;
	listeners_sweep(listeners);
	assert_int_equal(role(connection, listeners), CONNECTION_ROLE_UNKNOWN);
	listeners_free(listeners);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(role_gives_the_direction),
		cmocka_unit_test(other_end_on_this_host_makes_it_local),
		cmocka_unit_test(loopback_and_equal_ends_are_local),
		cmocka_unit_test(old_connection_at_a_listening_port_is_a_server),
		cmocka_unit_test(old_connection_elsewhere_is_a_client_once_all_listeners_are_known),
		cmocka_unit_test(role_that_was_told_stays),
		cmocka_unit_test(udp_has_no_listeners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
