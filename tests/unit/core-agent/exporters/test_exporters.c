/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/exporters.h"

#include "exporter_fixture.h"

#include <errno.h>

static int make(struct fixture *fixture, char **names, size_t n, struct exporters **ret)
{
	fixture->settings.exporters = (struct option_list){.items = names, .n = n};
	return exporters_new(&fixture->settings, fixture->base, fixture->history, ret);
}

static void every_named_exporter_gets_the_interval(void **state)
{
	char local[] = "local", jsonl[] = "jsonl", *names[] = {local, jsonl};
	struct connection connection = a_connection(77);
	struct fixture *fixture = *state;
	struct exporters *exporters;

	assert_int_equal(make(fixture, names, 2, &exporters), 0);
	assert_int_equal(exporters_begin(exporters, &an_interval), 0);
	assert_int_equal(exporters_connection(exporters, &connection), 0);
	assert_int_equal(exporters_end(exporters, false), 0);
	assert_int_equal(exporters_stats(exporters, 0)->n_connections, 1);
	assert_int_equal(exporters_stats(exporters, 1)->n_connections, 1);
	assert_string_equal(exporters_name(exporters, 1), "jsonl");
	assert_null(exporters_name(exporters, 2));
	exporters_free(exporters);
}

static void listener_goes_to_those_who_take_it(void **state)
{
	char local[] = "local", table[] = "table", jsonl[] = "jsonl";
	char *names[] = {table, local, jsonl};
	struct connection listener = a_listener(78);
	struct fixture *fixture = *state;
	struct exporters *exporters;

	assert_int_equal(make(fixture, names, 3, &exporters), 0);
	exporters_begin(exporters, &an_interval);
	assert_int_equal(exporters_listener(exporters, &listener), 0);
	assert_int_equal(exporters_end(exporters, false), 0);
	assert_non_null(strstr(read_file(fixture, fixture->lines_path), "\"id\":78"));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(exporters_stats(exporters, i)->n_connections, 0);
	exporters_free(exporters);
}

static void failure_of_one_does_not_keep_records_from_the_others(void **state)
{
	char jsonl[] = "jsonl", local[] = "local", *names[] = {jsonl, local};
	struct connection connection = a_connection(77);
	struct fixture *fixture = *state;
	struct exporters *exporters;

	fixture->settings.jsonl_path = "/dev/full";
	assert_int_equal(make(fixture, names, 2, &exporters), 0);
	exporters_begin(exporters, &an_interval);
	exporters_connection(exporters, &connection);
	assert_int_equal(exporters_end(exporters, false), -ENOSPC);
	assert_int_equal(exporters_stats(exporters, 1)->n_connections, 1);
	assert_int_equal(exporters_stats(exporters, 1)->n_dropped, 0);
	exporters_free(exporters);
}

static void unknown_name_is_refused(void **state)
{
	char local[] = "local", kafka[] = "kafka", *names[] = {local, kafka};
	struct exporters *exporters = NULL;

	assert_int_equal(make(*state, names, 2, &exporters), -EINVAL);
	assert_null(exporters);
}

static void name_twice_is_refused(void **state)
{
	char local[] = "local", *names[] = {local, local};
	struct exporters *exporters = NULL;

	assert_int_equal(make(*state, names, 2, &exporters), -EINVAL);
}

static void change_that_is_refused_leaves_the_one_before_it_to_come(void **state)
{
	char local[] = "local", jsonl[] = "jsonl", kafka[] = "kafka";
	char *first[] = {local}, *second[] = {local, jsonl}, *third[] = {jsonl, kafka};
	struct fixture *fixture = *state;
	struct exporters *exporters;

	assert_int_equal(make(fixture, first, 1, &exporters), 0);
	exporters_begin(exporters, &an_interval);
	assert_int_equal(exporters_change(exporters, &(struct option_list){second, 2}), 0);
	assert_int_equal(exporters_change(exporters, &(struct option_list){third, 2}), -EINVAL);
	assert_null(exporters_name(exporters, 1));
	assert_int_equal(exporters_end(exporters, false), 0);
	assert_string_equal(exporters_name(exporters, 0), "local");
	assert_non_null(exporters_name(exporters, 1));
	exporters_free(exporters);
}

static void change_gives_way_to_the_one_after_it(void **state)
{
	char local[] = "local", jsonl[] = "jsonl";
	char *first[] = {local}, *second[] = {local, jsonl}, *third[] = {jsonl};
	struct fixture *fixture = *state;
	struct exporters *exporters;

	assert_int_equal(make(fixture, first, 1, &exporters), 0);
	exporters_begin(exporters, &an_interval);
	assert_int_equal(exporters_change(exporters, &(struct option_list){second, 2}), 0);
	assert_int_equal(exporters_change(exporters, &(struct option_list){third, 1}), 0);
	assert_int_equal(exporters_end(exporters, false), 0);
	assert_string_equal(exporters_name(exporters, 0), "jsonl");
	assert_null(exporters_name(exporters, 1));
	exporters_free(exporters);
}

static void no_exporter_at_all_is_possible(void **state)
{
	struct exporters *exporters;

	assert_int_equal(make(*state, NULL, 0, &exporters), 0);
	assert_int_equal(exporters_begin(exporters, &an_interval), 0);
	assert_int_equal(exporters_end(exporters, false), 0);
	exporters_free(exporters);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_named_exporter_gets_the_interval),
		TEST(listener_goes_to_those_who_take_it),
		TEST(failure_of_one_does_not_keep_records_from_the_others),
		TEST(unknown_name_is_refused),
		TEST(name_twice_is_refused),
		TEST(change_that_is_refused_leaves_the_one_before_it_to_come),
		TEST(change_gives_way_to_the_one_after_it),
		TEST(no_exporter_at_all_is_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
