/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/exporter_classes.h"

#include "exporter_fixture.h"

static struct exporter *make(struct fixture *fixture, struct history *history)
{
	struct exporter *exporter = local_exporter.new(&fixture->settings, fixture->base);

	local_exporter.attach_history(exporter, history);
	return exporter;
}

static void export(struct exporter *exporter, const struct connection *connection)
{
	local_exporter.begin(exporter, &an_interval);
	(void)local_exporter.connection(exporter, connection);
	local_exporter.end(exporter, false);
}

static const char *stored(struct fixture *fixture)
{
	static const struct history_state positions;
	FILE *out;

	assert_int_equal(history_commit(fixture->history, &positions), 0);
	memset(fixture->text, 0, sizeof(fixture->text));
	out = fmemopen(fixture->text, sizeof(fixture->text) - 1, "w");
	assert_int_equal(history_print(fixture->history_path, 0, out), 0);
	fclose(out);
	return fixture->text;
}

static void connection_is_stored_by_the_commit(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = make(fixture, fixture->history);
	struct connection connection = a_connection(77);

	export(exporter, &connection);
	assert_int_equal(local_exporter.stats(exporter)->n_delivered, 0);
	assert_non_null(strstr(stored(fixture), "\"id\":77"));
	assert_int_equal(local_exporter.stats(exporter)->n_delivered, 1);
	local_exporter.free(exporter);
}

static void listener_is_stored_and_counts_as_no_connection(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = make(fixture, fixture->history);
	struct connection listener = a_listener(78);

	local_exporter.begin(exporter, &an_interval);
	assert_int_equal(local_exporter.listener(exporter, &listener), 0);
	local_exporter.end(exporter, false);
	assert_non_null(strstr(stored(fixture), "\"id\":78"));
	assert_int_equal(local_exporter.stats(exporter)->n_connections, 0);
	local_exporter.free(exporter);
}

static void idle_open_connection_is_not_stored_again(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = make(fixture, fixture->history);
	struct connection connection = a_connection(77);

	connection.is_new = false;
	connection.interval.bytes_sent = 0;
	export(exporter, &connection);
	assert_string_equal(stored(fixture), "");
	local_exporter.free(exporter);
}

static void idle_connection_that_closed_is_stored(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = make(fixture, fixture->history);
	struct connection connection = a_connection(77);

	connection.is_new = false;
	connection.interval.bytes_sent = 0;
	connection.state = CONNECTION_CLOSED;
	export(exporter, &connection);
	assert_non_null(strstr(stored(fixture), "\"id\":77"));
	local_exporter.free(exporter);
}

static void overflow_is_stored(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = make(fixture, fixture->history);
	const struct overflow overflow = {.cause = "ring_full", .n_connections = 1};

	local_exporter.begin(exporter, &an_interval);
	assert_int_equal(local_exporter.overflow(exporter, &overflow), 0);
	assert_non_null(strstr(stored(fixture), "ring_full"));
	local_exporter.free(exporter);
}

/* More text than the backlog of a history that cannot write takes. */
static void lose_records(struct fixture *fixture, size_t n)
{
	static char json[1024 * 1024];
	const struct history_record record = {.n_connections = 1,
					      .counters = {.bytes_sent = 10},
					      .probe_instance = "abc",
					      .json = json,
					      .json_size = 3 * sizeof(json)};

	for (size_t i = 0; i < n; i++) /* larger than the whole backlog: never copied */
		assert_true(history_add_record(fixture->history, &record) < 0);
}

static void records_that_the_history_dropped_become_a_loss(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = make(fixture, fixture->history);

	lose_records(fixture, 3); /* and no interval comes after it */
	assert_non_null(strstr(stored(fixture),
			       "\"probe_instance\":\"abc\",\"overflow\":{\"cause\":\"history\",\"connections\":3,"
			       "\"bytes_sent\":30,"));
	local_exporter.free(exporter);
}

static void without_a_history_records_are_dropped_and_counted(void **state)
{
	struct fixture *fixture = *state;
	struct exporter *exporter = make(fixture, NULL);
	struct connection connection = a_connection(1);

	export(exporter, &connection);
	assert_int_equal(local_exporter.stats(exporter)->n_connections, 1);
	assert_int_equal(local_exporter.stats(exporter)->n_dropped, 1);
	local_exporter.free(exporter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connection_is_stored_by_the_commit),
		TEST(listener_is_stored_and_counts_as_no_connection),
		TEST(idle_open_connection_is_not_stored_again),
		TEST(idle_connection_that_closed_is_stored),
		TEST(overflow_is_stored),
		TEST(records_that_the_history_dropped_become_a_loss),
		TEST(without_a_history_records_are_dropped_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
