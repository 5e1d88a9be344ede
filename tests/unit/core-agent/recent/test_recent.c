/* SPDX-License-Identifier: Apache-2.0 */
#include "recent_fixture.h"

#include "pipeline/delta.h"
#include "tags/tag_list.h"
#include "tags/tag_sets.h"

#define MAX_RECORDS 3

static int set_up(void **state)
{
	*state = recent_new(MAX_RECORDS);
	begin(*state, "first");
	return 0;
}

static int tear_down(void **state)
{
	recent_free(*state);
	return 0;
}

static void a_second_look_replaces_the_first(void **state)
{
	struct connection connection = a_connection(1, CONNECTION_OPEN);
	struct ids ids;

	add(*state, 1, CONNECTION_OPEN);
	connection.total.bytes_sent = 50;
	recent_add(*state, &connection);
	ids = all_ids(*state);
	assert_int_equal(ids.n, 1);
	assert_int_equal(ids.last->total.bytes_sent, 50);
}

static void a_closed_one_is_counted_as_ended(void **state)
{
	add(*state, 1, CONNECTION_OPEN);
	add(*state, 1, CONNECTION_CLOSED);
	add(*state, 2, CONNECTION_FAILED);
	assert_int_equal(recent_get_stats(*state).n_open, 0);
	assert_int_equal(recent_get_stats(*state).n_ended, 2);
}

static void the_one_that_ended_first_gives_way(void **state)
{
	struct ids ids;

	add(*state, 1, CONNECTION_CLOSED);
	add(*state, 2, CONNECTION_CLOSED);
	add(*state, 3, CONNECTION_OPEN);
	add(*state, 4, CONNECTION_OPEN);
	ids = all_ids(*state);
	assert_int_equal(ids.n, MAX_RECORDS);
	assert_int_equal(ids.ids[0], 2);
	assert_int_equal(recent_get_stats(*state).n_evicted, 1);
}

static void open_ones_do_not_give_way(void **state)
{
	for (uint64_t id = 1; id <= MAX_RECORDS + 2; id++)
		add(*state, id, CONNECTION_OPEN);
	assert_int_equal(recent_get_stats(*state).n_open, MAX_RECORDS);
	assert_int_equal(recent_get_stats(*state).n_not_kept, 2);
}

static void an_open_one_that_two_polls_did_not_see_is_forgotten(void **state)
{
	add(*state, 1, CONNECTION_OPEN);
	recent_polled(*state);
	recent_polled(*state);
	assert_int_equal(recent_get_stats(*state).n_open, 1);
	recent_polled(*state);
	assert_int_equal(recent_get_stats(*state).n_open, 0);
}

static void another_probe_keeps_sockets_and_drops_numbers_of_its_own(void **state)
{
	struct ids ids;

	add(*state, 1, CONNECTION_OPEN);
	add(*state, DELTA_OWN_ID_BIT | 2, CONNECTION_OPEN);
	begin(*state, "second");
	ids = all_ids(*state);
	assert_int_equal(ids.n, 1);
	assert_int_equal(ids.ids[0], 1);
	assert_string_equal(ids.last->probe_instance, "first");
	add(*state, 1, CONNECTION_OPEN);
	assert_string_equal(all_ids(*state).last->probe_instance, "second");
}

static void a_held_record_outlives_its_place(void **state)
{
	const struct recent_record *held;

	add(*state, 1, CONNECTION_CLOSED);
	held = recent_hold(*state, all_ids(*state).last);
	for (uint64_t id = 2; id <= MAX_RECORDS + 1; id++)
		add(*state, id, CONNECTION_CLOSED);
	assert_int_equal(all_ids(*state).ids[0], 2);
	assert_string_equal(held->texts[RECENT_COMM], "curl");
	recent_release(*state, held);
}

static void equal_texts_are_kept_once_and_go_with_their_last_user(void **state)
{
	uint64_t n_texts;

	add(*state, 1, CONNECTION_OPEN);
	n_texts = recent_get_stats(*state).n_texts;
	add(*state, 2, CONNECTION_OPEN);
	assert_int_equal(recent_get_stats(*state).n_texts, n_texts);
	for (int i = 0; i < 3; i++)
		recent_polled(*state);
	assert_int_equal(recent_get_stats(*state).n_texts, 1); /* the probe's instance */
}

static void tags_are_held_as_long_as_the_record(void **state)
{
	struct connection before = a_connection(9, CONNECTION_OPEN), after;
	struct tag_sets *sets = tag_sets_new();
	struct interval interval;
	struct tag_list list;
	const struct tag_set *tags;

	tag_list_clear(&list);
	tag_list_add(&list, "a", "1");
	tags = tag_sets_take(sets, &list);
	before.tags = before.remote_tags = tags;
	before.remote_container_id = "c0ffee";
	recent_add(*state, &before);
	recent_add(*state, &before);
	tag_set_release(tags);
	recent_to_connection(all_ids(*state).last, &after, &interval);
	assert_ptr_equal(after.tags, tags);
	assert_ptr_equal(after.remote_tags, tags);
	assert_string_equal(after.remote_container_id, "c0ffee");
	before.tags = NULL; /* its source has gone */
	recent_add(*state, &before);
	assert_int_equal(tag_sets_n(sets), 1);
	for (int i = 0; i < 3; i++)
		recent_polled(*state);
	assert_int_equal(tag_sets_n(sets), 0);
	tag_sets_free(sets);
}

static void the_form_of_the_rest_of_the_agent_has_everything(void **state)
{
	struct connection before = a_connection(9, CONNECTION_FAILED), after;
	struct interval interval;

	before.error = 111;
	before.has_rtt = true;
	before.rtt_us = 5;
	before.closed_unix_ns = 77;
	recent_add(*state, &before);
	recent_to_connection(all_ids(*state).last, &after, &interval);
	assert_int_equal(interval.end_unix_ns, 1000);
	assert_string_equal(interval.probe_instance, "first");
	assert_string_equal(after.comm, before.comm);
	assert_string_equal(after.owner.systemd_unit, before.owner.systemd_unit);
	assert_memory_equal(after.remote_address, before.remote_address, 16);
	assert_int_equal(after.error, 111);
	assert_int_equal(after.rtt_us, 5);
	assert_int_equal(after.closed_unix_ns, 77);
	assert_int_equal(after.state, CONNECTION_FAILED);
	assert_int_equal(after.remote_port, 443);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_second_look_replaces_the_first),
		TEST(a_closed_one_is_counted_as_ended),
		TEST(the_one_that_ended_first_gives_way),
		TEST(open_ones_do_not_give_way),
		TEST(an_open_one_that_two_polls_did_not_see_is_forgotten),
		TEST(another_probe_keeps_sockets_and_drops_numbers_of_its_own),
		TEST(a_held_record_outlives_its_place),
		TEST(equal_texts_are_kept_once_and_go_with_their_last_user),
		TEST(tags_are_held_as_long_as_the_record),
		TEST(the_form_of_the_rest_of_the_agent_has_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
