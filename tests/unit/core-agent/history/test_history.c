/* SPDX-License-Identifier: Apache-2.0 */
#include "history_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define COUNT_RECORDS "SELECT count(*) FROM record"

static const struct connection_counters ten_bytes = {.bytes_sent = 10};

static void committed_record_is_in_the_file(void **state)
{
	struct fixture *fixture = *state;

	store(fixture, 7, "{\"id\":7}");
	assert_int_equal(ask(fixture, "SELECT conn_id FROM record"), 7);
	assert_int_equal(history_get_stats(fixture->history)->n_stored, 1);
}

static void record_without_commit_is_not_in_the_file(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add(fixture, 7, "{}"), 0);
	assert_int_equal(ask(fixture, COUNT_RECORDS), 0);
}

static void state_is_loaded_as_it_was_committed(void **state)
{
	struct fixture *fixture = *state;
	struct history_state loaded;

	fixture->state = (struct history_state){.probe_instance = "abc",
						.closed_next = 5,
						.closed_handed = 6,
						.polled_unix_ns = UINT64_C(1) << 60};
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(history_load_state(fixture->history, &loaded), 0);
	assert_string_equal(loaded.probe_instance, "abc");
	assert_int_equal(loaded.closed_next, 5);
	assert_int_equal(loaded.closed_handed, 6);
	assert_true(loaded.polled_unix_ns == UINT64_C(1) << 60);
}

static void new_file_has_an_empty_state(void **state)
{
	struct fixture *fixture = *state;
	struct history_state loaded = {.closed_next = 9};

	assert_int_equal(history_load_state(fixture->history, &loaded), 0);
	assert_int_equal(loaded.closed_next, 0);
	assert_string_equal(loaded.probe_instance, "");
}

static int keep_baseline(uint64_t id, const struct connection_counters *reported,
			 bool is_established, void *context)
{
	uint64_t *seen = context;

	seen[0]++;
	seen[1] = id;
	seen[2] = reported->retransmits;
	seen[3] = is_established;
	return 0;
}

static void baseline_is_loaded_with_all_that_was_put(void **state)
{
	struct fixture *fixture = *state;
	const struct connection_counters counters = {1, 2, 3, 4, 5};
	uint64_t seen[4] = {0};

	history_put_baseline(fixture->history, 77, &counters, true);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(history_load_baselines(fixture->history, keep_baseline, seen), 0);
	assert_int_equal(seen[0], 1);
	assert_int_equal(seen[1], 77);
	assert_int_equal(seen[2], 5);
	assert_int_equal(seen[3], 1);
}

static int refuse_baseline(uint64_t id, const struct connection_counters *reported,
			   bool is_established, void *context)
{
	(void)id;
	(void)reported;
	(void)is_established;
	(void)context;
	return -ENOSPC;
}

static void load_stops_at_an_entry_that_is_refused(void **state)
{
	struct fixture *fixture = *state;

	history_put_baseline(fixture->history, 1, &ten_bytes, false);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(history_load_baselines(fixture->history, refuse_baseline, NULL), -ENOSPC);
}

static int keep_sum(const char *name, uint64_t n_connections,
		    const struct connection_counters *counters, void *context)
{
	uint64_t *seen = context;

	seen[0] += strcmp(name, "read") == 0;
	seen[1] = n_connections;
	seen[2] = counters->bytes_received;
	return 0;
}

static void sum_is_loaded_as_it_was_put(void **state)
{
	struct fixture *fixture = *state;
	const struct connection_counters counters = {.bytes_received = 9};
	uint64_t seen[3] = {0};

	history_put_sum(fixture->history, "old", 1, &counters);
	history_clear_sums(fixture->history);
	history_put_sum(fixture->history, "read", 3, &counters);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(history_load_sums(fixture->history, keep_sum, seen), 0);
	assert_int_equal(seen[0], 1);
	assert_int_equal(seen[1], 3);
	assert_int_equal(seen[2], 9);
}

static void oldest_records_go_beyond_the_bound(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t id = 1; id <= MAX_RECORDS + 2; id++)
		store(fixture, id, "{}");
	assert_int_equal(ask(fixture, COUNT_RECORDS), MAX_RECORDS);
	assert_int_equal(ask(fixture, "SELECT min(conn_id) FROM record"), 3);
	assert_int_equal(history_get_stats(fixture->history)->n_evicted, 2);
}

static void interval_larger_than_the_backlog_is_stored_whole(void **state)
{
	struct fixture *fixture = *state;
	static char json[100001];

	memset(json, 'x', sizeof(json) - 1);
	history_close(fixture->history);
	assert_int_equal(history_open(fixture->path, 1000, &fixture->history), 0);
	for (uint64_t id = 1; id <= 50; id++)
		assert_int_equal(add(fixture, id, json), 0);
	assert_int_equal(ask(fixture, COUNT_RECORDS), 0);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(ask(fixture, COUNT_RECORDS), 50);
	assert_int_equal(history_get_stats(fixture->history)->n_stored, 50);
}

/* Stores one interval, adds half of the next, and is killed. */
static void store_and_be_killed(struct fixture *fixture)
{
	static char json[100001];

	memset(json, 'x', sizeof(json) - 1);
	history_close(fixture->history);
	if (history_open(fixture->path, 1000, &fixture->history) < 0)
		_exit(1);
	fixture->state.closed_next = 2;
	if (add(fixture, 1, "{}") < 0 || history_commit(fixture->history, &fixture->state) < 0)
		_exit(1);
	for (uint64_t id = 2; id <= 51; id++) /* more than the backlog: some are in the file */
		(void)add(fixture, id, json);
	history_put_baseline(fixture->history, 2, &ten_bytes, true);
	raise(SIGKILL);
}

static void agent_killed_between_record_and_commit_leaves_the_last_whole_interval(void **state)
{
	struct fixture *fixture = *state;
	struct history_state loaded;
	int status;
	pid_t child = fork();

	if (child == 0)
		store_and_be_killed(fixture);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	history_close(fixture->history);
	assert_int_equal(history_open(fixture->path, 1000, &fixture->history), 0);
	assert_int_equal(history_load_state(fixture->history, &loaded), 0);
	assert_int_equal(loaded.closed_next, 2);
	assert_int_equal(ask(fixture, COUNT_RECORDS), 1);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM baseline"), 0);
}

/* Writes beyond the limit fail as on a full disk, with EFBIG in place of ENOSPC. */
static void limit_file_size(rlim_t n_bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = n_bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void make_commit_fail(struct fixture *fixture)
{
	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(1);
	assert_true(history_commit(fixture->history, &fixture->state) < 0);
	limit_file_size(RLIM_INFINITY);
}

static void record_of_a_failed_commit_is_stored_by_the_next(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add(fixture, 1, "{}"), 0);
	make_commit_fail(fixture);
	assert_int_equal(ask(fixture, COUNT_RECORDS), 0);
	assert_true(history_is_behind(fixture->history));
	assert_int_equal(add(fixture, 2, "{}"), 0);
	history_clear_baselines(fixture->history);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(ask(fixture, COUNT_RECORDS), 2);
	assert_false(history_is_behind(fixture->history));
	assert_int_equal(history_get_stats(fixture->history)->n_errors, 1);
}

static void file_keeps_the_old_state_while_commits_fail(void **state)
{
	struct fixture *fixture = *state;
	struct history_state loaded;

	fixture->state.closed_next = 5;
	store(fixture, 1, "{}");
	fixture->state.closed_next = 9;
	make_commit_fail(fixture);
	assert_int_equal(history_load_state(fixture->history, &loaded), 0);
	assert_int_equal(loaded.closed_next, 5);
}

static void baselines_must_be_put_anew_after_a_failed_commit(void **state)
{
	struct fixture *fixture = *state;

	history_put_baseline(fixture->history, 1, &ten_bytes, false);
	make_commit_fail(fixture);
	history_put_baseline(fixture->history, 2, &ten_bytes, false);
	assert_int_equal(history_commit(fixture->history, &fixture->state), -ESTALE);
	history_clear_baselines(fixture->history);
	history_put_baseline(fixture->history, 1, &ten_bytes, false);
	history_put_baseline(fixture->history, 2, &ten_bytes, false);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM baseline"), 2);
}

#define COUNT_LOST "SELECT count(*) FROM record WHERE conn_id = 0"
#define LOST_BYTES "SELECT CAST(json AS INTEGER) FROM record WHERE conn_id = 0"

static char *describe_lost(const struct history_record *lost)
{
	char *text = NULL;

	assert_int_equal(lost->counters.bytes_sent, 10 * lost->n_connections);
	return asprintf(&text, "%llu", (unsigned long long)lost->counters.bytes_sent) < 0 ? NULL
											   : text;
}

static char *describe_nothing(const struct history_record *lost)
{
	(void)lost;
	return NULL;
}

/* Larger than the whole backlog: never copied. */
static void lose_record(struct fixture *fixture)
{
	static char json;
	const struct history_record record = {.n_connections = 1,
					      .counters = {.bytes_sent = 10},
					      .json = &json,
					      .json_size = 3 * 1024 * 1024};

	assert_true(history_add_record(fixture->history, &record) < 0);
}

static void loss_is_stored_by_the_commit_after_it_and_no_other(void **state)
{
	struct fixture *fixture = *state;

	history_set_describe_lost(fixture->history, describe_lost);
	lose_record(fixture);
	lose_record(fixture);
	store(fixture, 1, "{}");
	assert_int_equal(ask(fixture, LOST_BYTES), 20);
	store(fixture, 2, "{}");
	assert_int_equal(ask(fixture, COUNT_LOST), 1);
}

static void loss_that_a_commit_could_not_store_is_stored_by_the_next(void **state)
{
	struct fixture *fixture = *state;

	history_set_describe_lost(fixture->history, describe_lost);
	lose_record(fixture);
	make_commit_fail(fixture);
	lose_record(fixture);
	history_clear_baselines(fixture->history);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(ask(fixture, LOST_BYTES), 20);
	assert_int_equal(ask(fixture, COUNT_LOST), 1);
}

static void state_does_not_move_past_a_loss_that_cannot_be_described(void **state)
{
	struct fixture *fixture = *state;
	struct history_state loaded;

	history_set_describe_lost(fixture->history, describe_nothing);
	fixture->state.closed_next = 5;
	lose_record(fixture);
	assert_int_equal(history_commit(fixture->history, &fixture->state), -ENOMEM);
	assert_int_equal(history_load_state(fixture->history, &loaded), 0);
	assert_int_equal(loaded.closed_next, 0);
	history_set_describe_lost(fixture->history, describe_lost);
	history_clear_baselines(fixture->history);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(ask(fixture, LOST_BYTES), 10);
}

static void records_that_do_not_fit_the_backlog_are_dropped_and_counted(void **state)
{
	struct fixture *fixture = *state;
	const struct history_stats *stats = history_get_stats(fixture->history);
	static char json[100001];

	memset(json, 'x', sizeof(json) - 1);
	history_set_describe_lost(fixture->history, describe_lost);
	make_commit_fail(fixture);
	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(1);
	for (uint64_t id = 1; id <= 50; id++)
		(void)add(fixture, id, json);
	history_clear_baselines(fixture->history);
	assert_true(history_commit(fixture->history, &fixture->state) < 0);
	limit_file_size(RLIM_INFINITY);
	assert_true(stats->n_dropped > 20 && stats->n_dropped < 40);
	history_clear_baselines(fixture->history);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(ask(fixture, LOST_BYTES), 10 * (int64_t)stats->n_dropped);
	assert_int_equal(stats->n_stored + stats->n_dropped, 50 + 1);
}

static void records_that_had_left_the_backlog_are_lost_with_their_transaction(void **state)
{
	struct fixture *fixture = *state;
	const struct history_stats *stats;
	static char json[100001];

	memset(json, 'x', sizeof(json) - 1);
	history_close(fixture->history);
	assert_int_equal(history_open(fixture->path, 1000, &fixture->history), 0);
	history_set_describe_lost(fixture->history, describe_lost);
	stats = history_get_stats(fixture->history);
	for (uint64_t id = 1; id <= 30; id++) /* about 20 fill the backlog */
		assert_int_equal(add(fixture, id, json), 0);
	make_commit_fail(fixture);
	assert_true(stats->n_dropped > 0);
	history_clear_baselines(fixture->history);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
	assert_int_equal(ask(fixture, LOST_BYTES), 10 * (int64_t)stats->n_dropped);
	assert_int_equal(ask(fixture, COUNT_RECORDS), 30 - (int64_t)stats->n_dropped + 1);
}

static void file_of_a_newer_version_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct history *other = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=2", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(history_open(fixture->path, MAX_RECORDS, &other), -EINVAL);
	assert_null(other);
}

static void file_that_is_no_database_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct history *other = NULL;
	char path[80];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/other", fixture->folder);
	file = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("no database", file);
	fclose(file);
	assert_int_equal(history_open(path, MAX_RECORDS, &other), -EINVAL);
	unlink(path);
}

static void missing_directory_is_said_so(void **state)
{
	struct history *other = NULL;

	(void)state;
	assert_int_equal(history_open("/nonexistent/history.db", MAX_RECORDS, &other), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(committed_record_is_in_the_file),
		TEST(record_without_commit_is_not_in_the_file),
		TEST(state_is_loaded_as_it_was_committed),
		TEST(new_file_has_an_empty_state),
		TEST(baseline_is_loaded_with_all_that_was_put),
		TEST(load_stops_at_an_entry_that_is_refused),
		TEST(sum_is_loaded_as_it_was_put),
		TEST(oldest_records_go_beyond_the_bound),
		TEST(interval_larger_than_the_backlog_is_stored_whole),
		TEST(agent_killed_between_record_and_commit_leaves_the_last_whole_interval),
		TEST(record_of_a_failed_commit_is_stored_by_the_next),
		TEST(file_keeps_the_old_state_while_commits_fail),
		TEST(baselines_must_be_put_anew_after_a_failed_commit),
		TEST(loss_is_stored_by_the_commit_after_it_and_no_other),
		TEST(loss_that_a_commit_could_not_store_is_stored_by_the_next),
		TEST(state_does_not_move_past_a_loss_that_cannot_be_described),
		TEST(records_that_do_not_fit_the_backlog_are_dropped_and_counted),
		TEST(records_that_had_left_the_backlog_are_lost_with_their_transaction),
		TEST(file_of_a_newer_version_is_refused),
		TEST(file_that_is_no_database_is_refused),
		TEST(missing_directory_is_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
