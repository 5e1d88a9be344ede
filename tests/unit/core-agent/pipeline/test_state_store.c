/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/state_store.h"

#include "facts.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_CONNECTIONS 10
#define INSTANCE "0123456789abcdef0123456789abcdef"

struct fixture {
	char folder[32];
	char path[64];
	struct history *history;
	struct state_store store;
};

static void start(struct fixture *fixture)
{
	assert_int_equal(history_open(fixture->path, 100, &fixture->history), 0);
	assert_int_equal(state_store_init(&fixture->store, fixture->history, MAX_CONNECTIONS), 0);
}

static void end(struct fixture *fixture)
{
	state_store_deinit(&fixture->store);
	history_close(fixture->history);
}

/* As after a kill: what was not committed is gone. */
static void restart(struct fixture *fixture)
{
	end(fixture);
	start(fixture);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->folder, "/tmp/test-store-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/history.db", fixture->folder);
	start(fixture);
	strcpy(fixture->store.positions.probe_instance, INSTANCE);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	end(fixture);
	unlink(fixture->path);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

/* Bytes that the store finds new. */
static uint64_t apply(struct fixture *fixture, uint64_t id, enum connection_state connection_state,
		      uint64_t bytes_sent)
{
	struct connection connection = {
		.id = id, .state = connection_state, .facts.known = FACTS_ALL_COUNTERS,
		.total = {.bytes_sent = bytes_sent}};

	assert_int_equal(state_store_apply(&fixture->store, &connection), 0);
	return connection.interval.bytes_sent;
}

static void committed_baseline_survives_a_restart(void **state)
{
	struct fixture *fixture = *state;

	apply(fixture, 1, CONNECTION_OPEN, 100);
	state_store_commit(&fixture->store);
	restart(fixture);
	assert_int_equal(apply(fixture, 1, CONNECTION_OPEN, 130), 30);
}

static void baseline_without_commit_does_not_survive(void **state)
{
	struct fixture *fixture = *state;

	state_store_commit(&fixture->store);
	apply(fixture, 1, CONNECTION_OPEN, 100);
	restart(fixture);
	assert_int_equal(apply(fixture, 1, CONNECTION_OPEN, 130), 130);
}

static void updated_baseline_replaces_the_saved_one(void **state)
{
	struct fixture *fixture = *state;

	apply(fixture, 1, CONNECTION_OPEN, 100);
	state_store_commit(&fixture->store);
	apply(fixture, 1, CONNECTION_OPEN, 130);
	state_store_commit(&fixture->store);
	restart(fixture);
	assert_int_equal(apply(fixture, 1, CONNECTION_OPEN, 131), 1);
}

static void baseline_of_a_closed_connection_is_removed(void **state)
{
	struct fixture *fixture = *state;

	apply(fixture, 1, CONNECTION_OPEN, 100);
	state_store_commit(&fixture->store);
	apply(fixture, 1, CONNECTION_CLOSED, 100);
	state_store_commit(&fixture->store);
	restart(fixture);
	assert_int_equal(delta_get_stats(fixture->store.delta)->n_entries, 0);
}

static void sweep_until_vanished(struct state_store *store)
{
	for (int i = 0; i <= DELTA_POLLS_UNTIL_VANISHED; i++)
		state_store_sweep(store);
}

static void baseline_of_a_vanished_connection_goes_to_the_account_and_is_removed(void **state)
{
	struct fixture *fixture = *state;
	struct overflow_sum total = {.counters = {.bytes_sent = 150}};
	struct overflow overflow;

	apply(fixture, 1, CONNECTION_OPEN, 100);
	sweep_until_vanished(&fixture->store);
	state_store_commit(&fixture->store);
	restart(fixture);
	assert_int_equal(delta_get_stats(fixture->store.delta)->n_entries, 0);
	assert_true(overflow_account_add_log(fixture->store.account, &total, &overflow));
	assert_int_equal(overflow.interval.bytes_sent, 50);
}

static void baselines_of_a_larger_bound_survive_with_all_the_rest(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t id = 1; id <= MAX_CONNECTIONS; id++)
		apply(fixture, id, CONNECTION_OPEN, 100);
	fixture->store.positions.closed_next = 12;
	state_store_commit(&fixture->store);
	state_store_deinit(&fixture->store);
	assert_int_equal(state_store_init(&fixture->store, fixture->history, 2), 0);
	assert_int_equal(fixture->store.positions.closed_next, 12);
	for (uint64_t id = 1; id <= MAX_CONNECTIONS; id++)
		assert_int_equal(apply(fixture, id, CONNECTION_OPEN, 130), 30);
}

static void sum_without_room_costs_nothing_but_itself(void **state)
{
	struct fixture *fixture = *state;
	const struct connection_counters none = {0};
	char name[16];

	apply(fixture, 1, CONNECTION_OPEN, 100);
	state_store_commit(&fixture->store);
	for (int i = 0; i <= OVERFLOW_ACCOUNT_MAX_CAUSES; i++) {
		(void)snprintf(name, sizeof(name), "cause:%d", i);
		history_put_sum(fixture->history, name, 1, &none);
	}
	assert_int_equal(history_commit(fixture->history, &fixture->store.positions), 0);
	restart(fixture);
	assert_string_equal(fixture->store.positions.probe_instance, INSTANCE);
	assert_int_equal(overflow_account_n_causes_full(fixture->store.account), 1);
	assert_int_equal(apply(fixture, 1, CONNECTION_OPEN, 130), 30);
}

static void positions_survive_a_restart(void **state)
{
	struct fixture *fixture = *state;

	fixture->store.positions.closed_next = 12;
	fixture->store.positions.closed_handed = 14;
	fixture->store.positions.polled_unix_ns = 99;
	assert_true(state_store_has_moved(&fixture->store));
	state_store_commit(&fixture->store);
	assert_false(state_store_has_moved(&fixture->store));
	restart(fixture);
	assert_string_equal(fixture->store.positions.probe_instance, INSTANCE);
	assert_int_equal(fixture->store.positions.closed_next, 12);
	assert_int_equal(fixture->store.positions.closed_handed, 14);
	assert_int_equal(fixture->store.positions.polled_unix_ns, 99);
}

static void new_store_reads_the_log_from_one(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->store.positions.closed_next, 1);
}

static void new_instance_on_another_boot_forgets_everything(void **state)
{
	struct fixture *fixture = *state;

	apply(fixture, 1, CONNECTION_OPEN, 100);
	fixture->store.positions.closed_next = 12;
	state_store_commit(&fixture->store);
	state_store_reset(&fixture->store, "ffff", "another");
	state_store_commit(&fixture->store);
	restart(fixture);
	assert_string_equal(fixture->store.positions.probe_instance, "ffff");
	assert_int_equal(fixture->store.positions.closed_next, 1);
	assert_int_equal(apply(fixture, 1, CONNECTION_OPEN, 130), 130);
}

static void new_instance_on_the_same_boot_keeps_the_baselines_of_sockets(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t own_id = DELTA_OWN_ID_BIT | 1;

	state_store_reset(&fixture->store, INSTANCE, "boot");
	apply(fixture, 1, CONNECTION_OPEN, 100);
	apply(fixture, own_id, CONNECTION_OPEN, 100);
	state_store_commit(&fixture->store);
	state_store_reset(&fixture->store, "ffff", "boot");
	state_store_commit(&fixture->store);
	restart(fixture);
	assert_int_equal(fixture->store.positions.closed_next, 1);
	assert_int_equal(apply(fixture, 1, CONNECTION_OPEN, 130), 30);
	assert_int_equal(apply(fixture, own_id, CONNECTION_OPEN, 130), 130);
}

static void connection_that_closed_between_two_instances_hides_no_loss(void **state)
{
	struct fixture *fixture = *state;
	const struct overflow_sum lost = {.n_connections = 1, .counters = {.bytes_sent = 50}};
	struct overflow overflow;

	state_store_reset(&fixture->store, INSTANCE, "boot");
	apply(fixture, 1, CONNECTION_OPEN, 100);
	state_store_reset(&fixture->store, "ffff", "boot");
	sweep_until_vanished(&fixture->store);
	assert_null(delta_find(fixture->store.delta, 1));
	assert_true(overflow_account_add_total(fixture->store.account, "x", &lost, &overflow));
	assert_int_equal(overflow.interval.bytes_sent, 50);
}

static void connection_older_than_the_probe_begins_with_what_it_did_since(void **state)
{
	struct fixture *fixture = *state;
	struct connection connection = {.id = 1, .state = CONNECTION_OPEN,
					.facts.known = FACTS_ALL_COUNTERS,
					.before_probe = {.bytes_sent = 900},
					.total = {.bytes_sent = 1000}};

	assert_int_equal(state_store_apply(&fixture->store, &connection), 0);
	assert_int_equal(connection.interval.bytes_sent, 100);
	assert_int_equal(apply(fixture, 1, CONNECTION_CLOSED, 1007), 7);
}

/* Writes fail as on a full disk. */
static void limit_file_size(rlim_t n_bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = n_bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void baseline_of_a_failed_commit_is_saved_by_the_next(void **state)
{
	struct fixture *fixture = *state;

	apply(fixture, 1, CONNECTION_OPEN, 100);
	fixture->store.positions.closed_next = 9;
	limit_file_size(1);
	state_store_commit(&fixture->store);
	limit_file_size(RLIM_INFINITY);
	assert_true(state_store_has_moved(&fixture->store));
	apply(fixture, 2, CONNECTION_OPEN, 50);
	state_store_commit(&fixture->store);
	restart(fixture);
	assert_int_equal(fixture->store.positions.closed_next, 9);
	assert_int_equal(apply(fixture, 1, CONNECTION_OPEN, 130), 30);
	assert_int_equal(apply(fixture, 2, CONNECTION_OPEN, 51), 1);
}

static void store_without_history_works_in_memory(void **state)
{
	struct fixture *fixture = *state;

	end(fixture);
	fixture->history = NULL;
	assert_int_equal(state_store_init(&fixture->store, NULL, MAX_CONNECTIONS), 0);
	apply(fixture, 1, CONNECTION_OPEN, 100);
	state_store_commit(&fixture->store);
	assert_int_equal(apply(fixture, 1, CONNECTION_CLOSED, 130), 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(committed_baseline_survives_a_restart),
		TEST(baseline_without_commit_does_not_survive),
		TEST(updated_baseline_replaces_the_saved_one),
		TEST(baseline_of_a_closed_connection_is_removed),
		TEST(baseline_of_a_vanished_connection_goes_to_the_account_and_is_removed),
		TEST(baselines_of_a_larger_bound_survive_with_all_the_rest),
		TEST(sum_without_room_costs_nothing_but_itself),
		TEST(positions_survive_a_restart),
		TEST(new_store_reads_the_log_from_one),
		TEST(new_instance_on_another_boot_forgets_everything),
		TEST(new_instance_on_the_same_boot_keeps_the_baselines_of_sockets),
		TEST(connection_that_closed_between_two_instances_hides_no_loss),
		TEST(connection_older_than_the_probe_begins_with_what_it_did_since),
		TEST(baseline_of_a_failed_commit_is_saved_by_the_next),
		TEST(store_without_history_works_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
