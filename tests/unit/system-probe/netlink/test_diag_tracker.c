/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/diag_tracker.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "netlink/netns_set.h"
#include "recorded.h"

#define SECONDS(n) ((n) * 1000000000ULL)
#define MAX_CLOSED 16

struct fixture {
	struct diag_tracker *tracker;
	struct netns netns;
	struct sp_connection closed[MAX_CLOSED];
	size_t n_closed;
	uint64_t now_ns;
	bool has_time_wait, has_listener;
};

static void on_closed(const struct sp_connection *connection, void *context)
{
	struct fixture *fixture = context;

	assert_true(fixture->n_closed < MAX_CLOSED);
	fixture->closed[fixture->n_closed++] = *connection;
}

static int has_time_wait(struct netns *netns, const struct diag_socket *gone, void *context)
{
	(void)netns;
	(void)gone;
	return ((struct fixture *)context)->has_time_wait;
}

static int has_listener(struct netns *netns, const struct diag_socket *gone, void *context)
{
	(void)netns;
	(void)gone;
	return ((struct fixture *)context)->has_listener;
}

static void begin(struct fixture *fixture, bool has_global_cookies)
{
	const struct diag_tracker_config config = {
		.max_sockets = 4,
		.max_listening_ports = 4,
		.has_global_cookies = has_global_cookies,
		.collect_failed = true,
		.closed = on_closed,
		.has_time_wait = has_time_wait,
		.has_listener = has_listener,
		.context = fixture,
	};

	*fixture = (struct fixture){ .now_ns = SECONDS(100),
				     .netns = { .inode = 77, .number = 2 } };
	fixture->tracker = diag_tracker_new(&config);
	assert_non_null(fixture->tracker);
}

/* One round, in which the sockets were seen. */
static void round_with(struct fixture *fixture, const struct diag_socket *sockets, size_t n)
{
	diag_tracker_begin(fixture->tracker, fixture->now_ns);
	for (size_t i = 0; i < n; i++)
		diag_tracker_see(fixture->tracker, &fixture->netns, &sockets[i]);
	diag_tracker_end(fixture->tracker);
	fixture->now_ns += SECONDS(5);
}

static void take_end(struct fixture *fixture, const struct diag_socket *socket)
{
	diag_tracker_take_end(fixture->tracker, &fixture->netns, socket, fixture->now_ns);
}

/* The client's end of a connection that sent and received so many bytes. */
static struct diag_socket client(uint64_t cookie, uint64_t sent, uint64_t received)
{
	struct diag_socket socket = { .family = AF_INET,
				      .protocol = IPPROTO_TCP,
				      .state = DIAG_ESTABLISHED,
				      .id = { .idiag_sport = htons(40000), .idiag_dport = htons(80) },
				      .cookie = cookie,
				      .inode = (uint32_t)cookie + 1000,
				      .info_size = sizeof(socket.info) };

	socket.info.tcpi_bytes_sent = sent;
	socket.info.tcpi_bytes_acked = sent + 1;
	socket.info.tcpi_bytes_received = received;
	socket.info.tcpi_rtt = 5;
	return socket;
}

/* How its end is announced, both FINs counted and the peer's unread. */
static struct diag_socket ended(struct diag_socket socket)
{
	socket.state = DIAG_CLOSE;
	socket.inode = 0;
	socket.receive_queue = 1;
	socket.info.tcpi_bytes_acked++;
	socket.info.tcpi_bytes_received++;
	return socket;
}

static const struct sp_connection *only_live(struct fixture *fixture)
{
	size_t cursor = 0;
	const struct sp_connection *record = diag_tracker_next(fixture->tracker, &cursor);

	assert_null(record ? diag_tracker_next(fixture->tracker, &cursor) : NULL);
	return record;
}

static void first_round_is_older_than_the_probe(void **state)
{
	struct diag_socket socket = client(9, 10, 20);
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, &socket, 1);
	assert_true(only_live(&fixture)->is_adopted);
	assert_int_equal(only_live(&fixture)->before.bytes_received, 20);
	assert_int_equal(only_live(&fixture)->started_ns, 0);
	diag_tracker_free(fixture.tracker);
}

static void later_one_began_when_it_was_first_seen(void **state)
{
	struct diag_socket socket = client(9, 10, 20);
	struct fixture fixture;
	uint64_t seen_ns;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, NULL, 0);
	seen_ns = fixture.now_ns;
	round_with(&fixture, &socket, 1);
	assert_false(only_live(&fixture)->is_adopted);
	assert_int_equal(only_live(&fixture)->started_ns, seen_ns);
	assert_int_equal(only_live(&fixture)->id, 9);
	diag_tracker_free(fixture.tracker);
}

static void announced_end_has_the_final_counters(void **state)
{
	struct diag_socket socket = client(9, 10, 20), end = ended(client(9, 30, 40));
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, &socket, 1);
	take_end(&fixture, &end);
	assert_null(only_live(&fixture));
	assert_int_equal(fixture.n_closed, 1);
	assert_int_equal(fixture.closed[0].id, 9);
	assert_int_equal(fixture.closed[0].state, SP_STATE_CLOSED);
	assert_int_equal(fixture.closed[0].counters.bytes_sent, 30);
	assert_int_equal(fixture.closed[0].counters.bytes_received, 40);
	assert_false(fixture.closed[0].known & SP_KNOWN(TCP_STATE));
	diag_tracker_free(fixture.tracker);
}

static void end_that_was_never_seen_alive_is_a_connection(void **state)
{
	struct diag_socket end = ended(client(9, 30, 40));
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, NULL, 0);
	take_end(&fixture, &end);
	assert_int_equal(fixture.n_closed, 1);
	assert_int_equal(fixture.closed[0].owner.netns, 77);
	assert_int_equal(fixture.closed[0].started_ns, 0);
	diag_tracker_free(fixture.tracker);
}

static void end_of_what_never_connected_is_none(void **state)
{
	struct diag_socket end = ended(client(9, 0, 0));
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	end.id.idiag_dport = 0;
	take_end(&fixture, &end);
	assert_int_equal(fixture.n_closed, 0);
	diag_tracker_free(fixture.tracker);
}

/* One dump may miss a socket; two and five seconds may not. */
static void vanished_one_is_given_up_with_its_last_counters(void **state)
{
	struct diag_socket socket = client(9, 10, 20);
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, &socket, 1);
	round_with(&fixture, NULL, 0);
	assert_int_equal(fixture.n_closed, 0);
	round_with(&fixture, NULL, 0);
	assert_int_equal(fixture.n_closed, 1);
	assert_int_equal(fixture.closed[0].counters.bytes_sent, 10);
	assert_null(only_live(&fixture));
	round_with(&fixture, NULL, 0);
	assert_int_equal(fixture.n_closed, 1);
	diag_tracker_free(fixture.tracker);
}

static void what_comes_after_giving_up_goes_to_the_overflow(void **state)
{
	struct diag_socket socket = client(9, 10, 20), end = ended(client(9, 13, 24));
	struct fixture fixture;
	const struct sp_overflow *late;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, &socket, 1);
	round_with(&fixture, NULL, 0);
	round_with(&fixture, NULL, 0);
	take_end(&fixture, &end);
	late = &diag_tracker_get_stats(fixture.tracker)->late;
	assert_int_equal(fixture.n_closed, 1);
	assert_int_equal(late->counters.bytes_sent, 3);
	assert_int_equal(late->counters.bytes_received, 4);
	assert_int_equal(late->connections, 0);
	diag_tracker_free(fixture.tracker);
}

static uint64_t n_lost(struct fixture *fixture)
{
	return diag_tracker_get_stats(fixture->tracker)->lost.connections;
}

static void lost_ends_are_counted_less_those_given_up(void **state)
{
	struct diag_socket sockets[] = { client(9, 10, 20), client(10, 1, 2) };
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	sockets[1].id.idiag_sport = htons(40001);
	round_with(&fixture, sockets, 2);
	diag_tracker_take_lost(&fixture.netns, 5, fixture.now_ns);
	for (int i = 0; i < 4; i++) {
		diag_tracker_settle_lost(fixture.tracker, &fixture.netns, fixture.now_ns);
		assert_int_equal(n_lost(&fixture), i < 3 ? 0 : 3);
		round_with(&fixture, NULL, 0);
	}
	assert_int_equal(fixture.n_closed, 2);
	diag_tracker_free(fixture.tracker);
}

/* It was held open, and its end not among the lost. */
static void one_that_was_given_up_for_a_lost_end_is_counted_when_its_own_comes(void **state)
{
	struct diag_socket socket = client(9, 10, 20), end = ended(socket);
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, &socket, 1);
	diag_tracker_take_lost(&fixture.netns, 1, fixture.now_ns);
	for (int i = 0; i < 4; i++)
		round_with(&fixture, NULL, 0);
	diag_tracker_settle_lost(fixture.tracker, &fixture.netns, fixture.now_ns);
	assert_int_equal(n_lost(&fixture), 0);
	take_end(&fixture, &end);
	assert_int_equal(n_lost(&fixture), 1);
	diag_tracker_free(fixture.tracker);
}

static void second_connection_of_a_socket_has_an_id_of_its_own(void **state)
{
	struct diag_socket socket = client(9, 10, 20), other = client(9, 1, 2);
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	other.id.idiag_dport = htons(81);
	round_with(&fixture, &socket, 1);
	round_with(&fixture, &other, 1);
	assert_int_equal(fixture.n_closed, 1);
	assert_int_equal(fixture.closed[0].id, 9);
	assert_true(only_live(&fixture)->id & SP_OWN_ID_BIT);
	assert_true(only_live(&fixture)->id < 1ULL << 53);
	diag_tracker_free(fixture.tracker);
}

/* tcp_disconnect() takes the peer's address away, and the counters. */
static void aborted_one_that_was_seen_keeps_its_last_counters(void **state)
{
	struct diag_socket socket = client(9, 10, 20), end = ended(client(9, 0, 0));
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	end.id.idiag_dport = 0;
	round_with(&fixture, &socket, 1);
	take_end(&fixture, &end);
	assert_int_equal(fixture.n_closed, 1);
	assert_int_equal(fixture.closed[0].counters.bytes_sent, 10);
	diag_tracker_free(fixture.tracker);
}

/* Before Linux 5.4. */
static void cookies_of_one_namespace_only_are_no_ids(void **state)
{
	struct diag_socket socket = client(9, 10, 20);
	struct netns own = { .inode = 1, .number = 1 };
	struct fixture fixture;
	size_t cursor = 0;
	uint64_t ids[2];

	(void)state;
	begin(&fixture, false);
	diag_tracker_begin(fixture.tracker, fixture.now_ns);
	diag_tracker_see(fixture.tracker, &own, &socket);
	diag_tracker_see(fixture.tracker, &fixture.netns, &socket);
	ids[0] = diag_tracker_next(fixture.tracker, &cursor)->id;
	ids[1] = diag_tracker_next(fixture.tracker, &cursor)->id;
	assert_int_equal(ids[0], 9);
	assert_true(ids[1] & SP_OWN_ID_BIT && ids[1] < 1ULL << 53);
	diag_tracker_free(fixture.tracker);
}

static void socket_beyond_the_table_is_counted_and_reported_at_its_end(void **state)
{
	struct diag_socket sockets[5], end;
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	for (uint16_t i = 0; i < 5; i++) {
		sockets[i] = client(i + 1, 10, 20);
		sockets[i].id.idiag_sport = htons((uint16_t)(40000 + i));
	}
	round_with(&fixture, sockets, 5);
	assert_int_equal(diag_tracker_get_stats(fixture.tracker)->n_not_kept, 1);
	end = ended(sockets[4]);
	take_end(&fixture, &end);
	assert_int_equal(fixture.n_closed, 1);
	diag_tracker_free(fixture.tracker);
}

static void namespace_found_late_counts_what_had_ended(void **state)
{
	struct diag_socket socket = client(9, 10, 20), end = ended(client(10, 1, 2));
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	fixture.netns.is_found_late = true;
	fixture.netns.n_opens = 7;
	round_with(&fixture, &socket, 1);
	take_end(&fixture, &end);
	diag_tracker_count_missed(fixture.tracker, &fixture.netns);
	assert_int_equal(diag_tracker_get_stats(fixture.tracker)->missed.connections, 5);
	diag_tracker_free(fixture.tracker);
}

static void time_wait_tells_that_the_fin_was_not_counted(void **state)
{
	struct fixture fixture;

	(void)state;
	for (int left = 0; left < 2; left++) {
		struct diag_socket end = ended(client(9, 1, 20));

		begin(&fixture, true);
		end.receive_queue = 0;
		fixture.has_time_wait = left;
		take_end(&fixture, &end);
		assert_int_equal(fixture.closed[0].counters.bytes_received, left ? 21 : 20);
		assert_int_equal(fixture.closed[0].quality.closed_first,
				 left ? SP_SIDE_LOCAL : SP_SIDE_REMOTE);
		diag_tracker_free(fixture.tracker);
	}
}

static void server_too_short_for_a_dump_is_told_by_its_listener(void **state)
{
	struct diag_socket end = ended(client(9, 1, 20));
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	end.info.tcpi_bytes_acked--; /* no SYN of its own */
	fixture.has_listener = true;
	take_end(&fixture, &end);
	assert_int_equal(fixture.closed[0].role, SP_ROLE_SERVER);
	diag_tracker_free(fixture.tracker);
}

static void owner_is_sought_until_it_is_found(void **state)
{
	struct diag_socket socket = client(9, 1, 20);
	const struct sp_owner owner = { .tgid = 5, .process_start_ns = 6, .comm = "name" };
	struct inode_table sought = { 0 }, none = { 0 };
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, &socket, 1);
	assert_int_equal(diag_tracker_seek_owners(fixture.tracker, &sought), 0);
	assert_int_equal(sought.n_rows, 1);
	diag_tracker_set_owner(fixture.tracker, inode_table_find(&sought, 1009), &owner);
	assert_int_equal(only_live(&fixture)->owner.tgid, 5);
	assert_int_equal(only_live(&fixture)->owner.netns, 77);
	assert_int_equal(diag_tracker_seek_owners(fixture.tracker, &none), 0);
	assert_int_equal(none.n_rows, 0);
	inode_table_deinit(&sought);
	diag_tracker_free(fixture.tracker);
}

static void owner_that_three_walks_do_not_find_is_let_be(void **state)
{
	struct diag_socket socket = client(9, 1, 20);
	struct fixture fixture;

	(void)state;
	begin(&fixture, true);
	round_with(&fixture, &socket, 1);
	for (size_t i = 0; i < 4; i++) {
		struct inode_table sought = { 0 };

		assert_int_equal(diag_tracker_seek_owners(fixture.tracker, &sought), 0);
		assert_int_equal(sought.n_rows, i < 3);
		diag_tracker_end_walk(fixture.tracker, &sought, true);
		inode_table_deinit(&sought);
	}
	diag_tracker_free(fixture.tracker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_round_is_older_than_the_probe),
		cmocka_unit_test(later_one_began_when_it_was_first_seen),
		cmocka_unit_test(announced_end_has_the_final_counters),
		cmocka_unit_test(end_that_was_never_seen_alive_is_a_connection),
		cmocka_unit_test(end_of_what_never_connected_is_none),
		cmocka_unit_test(vanished_one_is_given_up_with_its_last_counters),
		cmocka_unit_test(what_comes_after_giving_up_goes_to_the_overflow),
		cmocka_unit_test(lost_ends_are_counted_less_those_given_up),
		cmocka_unit_test(one_that_was_given_up_for_a_lost_end_is_counted_when_its_own_comes),
		cmocka_unit_test(second_connection_of_a_socket_has_an_id_of_its_own),
		cmocka_unit_test(aborted_one_that_was_seen_keeps_its_last_counters),
		cmocka_unit_test(cookies_of_one_namespace_only_are_no_ids),
		cmocka_unit_test(socket_beyond_the_table_is_counted_and_reported_at_its_end),
		cmocka_unit_test(namespace_found_late_counts_what_had_ended),
		cmocka_unit_test(time_wait_tells_that_the_fin_was_not_counted),
		cmocka_unit_test(server_too_short_for_a_dump_is_told_by_its_listener),
		cmocka_unit_test(owner_is_sought_until_it_is_found),
		cmocka_unit_test(owner_that_three_walks_do_not_find_is_let_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
