/* SPDX-License-Identifier: Apache-2.0 */
#include "recent_fixture.h"

#include "recent/rollup.h"

static const struct filter everything;

static int set_up(void **state)
{
	*state = recent_new(16);
	begin(*state, "probe");
	return 0;
}

static int tear_down(void **state)
{
	recent_free(*state);
	return 0;
}

static struct rollup *roll_up(struct recent *recent, enum rollup_by by, bool has_remote,
			      bool has_unnamed)
{
	const struct rollup_settings settings = {.by = by, .has_remote = has_remote,
						 .has_unnamed = has_unnamed,
						 .filter = &everything};
	struct rollup *rollup = NULL;

	assert_int_equal(rollup_new(recent, &settings, &rollup), 0);
	return rollup;
}

static void add_of(struct recent *recent, uint64_t id, uint32_t pid, uint8_t remote,
		   const char *container)
{
	struct connection connection = a_connection(id, CONNECTION_OPEN);

	connection.pid = pid;
	connection.process_start_ns = pid;
	connection.remote_address[3] = remote;
	connection.owner.container_id = container;
	connection.total.bytes_sent = 10;
	recent_add(recent, &connection);
}

static void one_process_is_one_row_whatever_its_remotes(void **state)
{
	struct rollup *rollup;

	add_of(*state, 1, 7, 1, NULL);
	add_of(*state, 2, 7, 2, NULL);
	add_of(*state, 3, 8, 1, NULL);
	rollup = roll_up(*state, ROLLUP_PROCESS, false, false);
	assert_int_equal(rollup_n(rollup), 2);
	assert_int_equal(rollup_get(rollup, 0)->sample->pid, 7);
	assert_int_equal(rollup_get(rollup, 0)->total.bytes_sent, 20);
	assert_int_equal(rollup_get(rollup, 0)->n_open, 2);
	rollup_free(rollup);
}

static void a_topology_tells_remotes_apart_and_leaves_ports_of_clients_out(void **state)
{
	struct connection served = a_connection(9, CONNECTION_OPEN);
	struct rollup *rollup;

	served.role = CONNECTION_SERVER;
	served.local_port = 80;
	recent_add(*state, &served);
	served.id = 10;
	served.remote_port = 50001;
	recent_add(*state, &served);
	add_of(*state, 1, 7, 1, NULL);
	add_of(*state, 2, 7, 2, NULL);
	rollup = roll_up(*state, ROLLUP_SERVICE, true, true);
	assert_int_equal(rollup_n(rollup), 3);
	assert_int_equal(rollup_get(rollup, 0)->port, 80);
	assert_int_equal(rollup_get(rollup, 0)->n_open, 2);
	assert_int_equal(rollup_get(rollup, 1)->port, 443);
	rollup_free(rollup);
}

static void a_topology_tells_those_behind_one_address_apart_where_they_are_known(void **state)
{
	struct connection connection = a_connection(1, CONNECTION_OPEN);
	struct rollup *rollup;

	connection.remote_service = "db";
	connection.remote_comm = "postgres";
	connection.remote_pid = 8;
	recent_add(*state, &connection);
	connection.id = 2;
	connection.remote_pid = 9; /* the same service, another process */
	recent_add(*state, &connection);
	connection.id = 3;
	connection.remote_service = "cache";
	recent_add(*state, &connection);
	rollup = roll_up(*state, ROLLUP_SERVICE, true, true);
	assert_int_equal(rollup_n(rollup), 2);
	rollup_free(rollup);
	rollup = roll_up(*state, ROLLUP_PROCESS, true, true);
	assert_int_equal(rollup_n(rollup), 2);
	rollup_free(rollup);
	rollup = roll_up(*state, ROLLUP_CONTAINER, true, true);
	assert_int_equal(rollup_n(rollup), 1);
	rollup_free(rollup);
}

static void containers_add_up_over_processes(void **state)
{
	struct rollup *rollup;

	add_of(*state, 1, 7, 1, "abc");
	add_of(*state, 2, 8, 1, "abc");
	add_of(*state, 3, 9, 1, NULL);
	rollup = roll_up(*state, ROLLUP_CONTAINER, false, false);
	assert_int_equal(rollup_n(rollup), 1);
	assert_string_equal(rollup_get(rollup, 0)->sample->texts[RECENT_CONTAINER_ID], "abc");
	assert_int_equal(rollup_get(rollup, 0)->total.bytes_sent, 20);
	rollup_free(rollup);
	rollup = roll_up(*state, ROLLUP_CONTAINER, true, true);
	assert_int_equal(rollup_n(rollup), 2); /* one of them of no container */
	rollup_free(rollup);
}

static void a_number_used_again_is_another_process(void **state)
{
	struct connection connection = a_connection(2, CONNECTION_OPEN);
	struct rollup *rollup;

	add(*state, 1, CONNECTION_OPEN);
	connection.process_start_ns = 2;
	recent_add(*state, &connection);
	rollup = roll_up(*state, ROLLUP_PROCESS, false, false);
	assert_int_equal(rollup_n(rollup), 2);
	rollup_free(rollup);
}

static void rows_outlive_the_records_they_were_made_of(void **state)
{
	struct rollup *rollup;

	add(*state, 1, CONNECTION_OPEN);
	rollup = roll_up(*state, ROLLUP_PROCESS, false, false);
	for (int i = 0; i < 3; i++)
		recent_polled(*state);
	assert_int_equal(recent_get_stats(*state).n_open, 0);
	assert_string_equal(rollup_get(rollup, 0)->sample->texts[RECENT_COMM], "curl");
	rollup_free(rollup);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(one_process_is_one_row_whatever_its_remotes),
		TEST(a_topology_tells_remotes_apart_and_leaves_ports_of_clients_out),
		TEST(a_topology_tells_those_behind_one_address_apart_where_they_are_known),
		TEST(containers_add_up_over_processes),
		TEST(a_number_used_again_is_another_process),
		TEST(rows_outlive_the_records_they_were_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
