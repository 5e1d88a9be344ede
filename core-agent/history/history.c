/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include "cleanup.h"
#include "history_internal.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Records wait here until the commit, as a failed one must not lose them; an
 * interval with more goes into the database in parts.
 */
#define MAX_BACKLOG_BYTES (2 * 1024 * 1024)
#define BUSY_TIMEOUT_MS 500

/* The write-ahead log is cut to this size when it has been checkpointed. */
#define PRAGMAS                            \
	"PRAGMA journal_mode=WAL;"         \
	"PRAGMA synchronous=NORMAL;"       \
	"PRAGMA cache_size=-1024;"         \
	"PRAGMA mmap_size=0;"              \
	"PRAGMA journal_size_limit=4194304;"

#define SCHEMA                                                                                     \
	"BEGIN IMMEDIATE;"                                                                         \
	"CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"             \
	"CREATE TABLE IF NOT EXISTS sum(name TEXT PRIMARY KEY, n_connections INTEGER,"             \
	" bytes_sent INTEGER, bytes_received INTEGER, packets_sent INTEGER,"                       \
	" packets_received INTEGER, retransmits INTEGER) WITHOUT ROWID;"                           \
	"CREATE TABLE IF NOT EXISTS baseline(id INTEGER PRIMARY KEY, is_established INTEGER,"      \
	" bytes_sent INTEGER, bytes_received INTEGER, packets_sent INTEGER,"                       \
	" packets_received INTEGER, retransmits INTEGER);"                                         \
	"CREATE TABLE IF NOT EXISTS record(number INTEGER PRIMARY KEY, time_ns INTEGER,"           \
	" probe_instance TEXT, conn_id INTEGER, state INTEGER, json TEXT);"                        \
	"PRAGMA user_version=1;"                                                                   \
	"COMMIT;"
_Static_assert(HISTORY_SCHEMA_VERSION == 1, "user_version in SCHEMA");

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	ADD_RECORD,
	EVICT_RECORDS,
	PUT_META,
	LIST_META,
	PUT_BASELINE,
	REMOVE_BASELINE,
	CLEAR_BASELINES,
	LIST_BASELINES,
	PUT_SUM,
	CLEAR_SUMS,
	LIST_SUMS,
	N_STATEMENTS,
};

/* Numbers of records are without gaps: only the lowest are ever deleted. */
static const char *const statement_texts[N_STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[ADD_RECORD] = "INSERT INTO record(time_ns, probe_instance, conn_id, state, json)"
		       " VALUES(?1, ?2, ?3, ?4, ?5)",
	[EVICT_RECORDS] = "DELETE FROM record WHERE number <="
			  " (SELECT max(number) FROM record) - ?1",
	[PUT_META] = "INSERT OR REPLACE INTO meta VALUES(?1, ?2)",
	[LIST_META] = "SELECT name, value FROM meta",
	[PUT_BASELINE] = "INSERT OR REPLACE INTO baseline VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[REMOVE_BASELINE] = "DELETE FROM baseline WHERE id = ?1",
	[CLEAR_BASELINES] = "DELETE FROM baseline",
	[LIST_BASELINES] = "SELECT * FROM baseline",
	[PUT_SUM] = "INSERT OR REPLACE INTO sum VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[CLEAR_SUMS] = "DELETE FROM sum",
	[LIST_SUMS] = "SELECT * FROM sum",
};

struct history {
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
	int64_t max_records;
	struct backlog *backlog;
	history_describe_lost describe_lost; /* or NULL */
	struct history_record in_transaction_sum; /* of records no longer in the backlog */
	struct history_record lost; /* sum of dropped records that no record tells of yet */
	uint64_t n_in_transaction; /* records no longer in the backlog */
	uint64_t n_evicted_now;
	bool has_transaction;
	bool is_behind;	    /* baselines in the file are old */
	bool is_catching_up; /* they are being put anew */
	int error;	    /* of the transaction going on */
	bool is_error_logged;
	struct history_stats stats;
};

/* One statement to its end; afterwards it can be bound anew. */
static int run(struct history *history, enum statement which)
{
	sqlite3_stmt *statement = history->statements[which];
	int r = sqlite3_step(statement);

	(void)sqlite3_reset(statement); /* repeats the error of step */
	return history_errno(r);
}

/* From here to the commit the first failure decides. */
static void run_in_transaction(struct history *history, enum statement which)
{
	if (history->error == 0 && !history->has_transaction) {
		history->error = run(history, BEGIN);
		history->has_transaction = history->error == 0;
	}
	if (history->error == 0)
		history->error = run(history, which);
}

/* SQLite integers are signed; nothing here comes near 2^63. */
static void bind_number(struct history *history, enum statement which, int place, uint64_t value)
{
	(void)sqlite3_bind_int64(history->statements[which], place, (sqlite3_int64)value);
}

static void bind_text(struct history *history, enum statement which, int place, const char *text,
		      size_t size)
{
	(void)sqlite3_bind_text64(history->statements[which], place, text, size, SQLITE_STATIC,
				  SQLITE_UTF8);
}

static void bind_counters(struct history *history, enum statement which,
			  const struct connection_counters *counters)
{
	bind_number(history, which, 3, counters->bytes_sent);
	bind_number(history, which, 4, counters->bytes_received);
	bind_number(history, which, 5, counters->packets_sent);
	bind_number(history, which, 6, counters->packets_received);
	bind_number(history, which, 7, counters->retransmits);
}

static struct connection_counters read_counters(sqlite3_stmt *row)
{
	return (struct connection_counters){
		.bytes_sent = (uint64_t)sqlite3_column_int64(row, 2),
		.bytes_received = (uint64_t)sqlite3_column_int64(row, 3),
		.packets_sent = (uint64_t)sqlite3_column_int64(row, 4),
		.packets_received = (uint64_t)sqlite3_column_int64(row, 5),
		.retransmits = (uint64_t)sqlite3_column_int64(row, 6),
	};
}

static int read_version(struct history *history, int *ret_version)
{
	sqlite3_stmt *statement;
	int r = sqlite3_prepare_v2(history->db, "PRAGMA user_version", -1, &statement, NULL);

	if (r != SQLITE_OK)
		return history_errno(r);
	r = sqlite3_step(statement);
	*ret_version = sqlite3_column_int(statement, 0);
	(void)sqlite3_finalize(statement); /* repeats the error of step */
	return history_errno(r);
}

static int set_up_schema(struct history *history)
{
	int version = 0;
	int r = read_version(history, &version);

	if (r < 0)
		return r;
	if (version > HISTORY_SCHEMA_VERSION)
		return -EINVAL;
	r = history_errno(sqlite3_exec(history->db, PRAGMAS, NULL, NULL, NULL));
	if (r < 0 || version == HISTORY_SCHEMA_VERSION)
		return r;
	return history_errno(sqlite3_exec(history->db, SCHEMA, NULL, NULL, NULL));
}

static int prepare(struct history *history)
{
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		int r = sqlite3_prepare_v3(history->db, statement_texts[i], -1,
					   SQLITE_PREPARE_PERSISTENT, &history->statements[i], NULL);

		if (r != SQLITE_OK)
			return history_errno(r);
	}
	return 0;
}

static int open_database(struct history *history, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE;
	int r = sqlite3_open_v2(path, &history->db, flags, NULL);

	if (r == SQLITE_CANTOPEN) {
		int error = history->db ? sqlite3_system_errno(history->db) : 0;

		return error > 0 ? -error : -ENOENT;
	}
	if (r != SQLITE_OK)
		return history_errno(r);
	(void)sqlite3_busy_timeout(history->db, BUSY_TIMEOUT_MS); /* fails for a NULL db only */
	r = set_up_schema(history);
	return r < 0 ? r : prepare(history);
}

int history_open(const char *path, int64_t max_records, struct history **ret)
{
	struct history *history = calloc(1, sizeof(*history));
	int r = -ENOMEM;

	if (history) {
		history->max_records = max_records;
		history->backlog = backlog_new(MAX_BACKLOG_BYTES);
		r = history->backlog ? open_database(history, path) : -ENOMEM;
	}
	if (r < 0) {
		log_warn("cannot open the history; records and read positions stay in memory",
			 "path=%s error=%s reason=%s remedy=%s", path, strerror(-r),
			 history && history->db ? sqlite3_errmsg(history->db) : "-",
			 history_remedy(r));
		history_close(history);
		return r;
	}
	*ret = history;
	return 0;
}

void history_set_describe_lost(struct history *history, history_describe_lost describe_lost)
{
	history->describe_lost = describe_lost;
}

void history_close(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < N_STATEMENTS; i++)
		(void)sqlite3_finalize(history->statements[i]); /* repeats an earlier error */
	/* Fails only with statements left over; an open transaction is rolled back. */
	(void)sqlite3_close(history->db);
	backlog_free(history->backlog);
	free(history);
}

static void read_meta(sqlite3_stmt *row, struct history_state *state)
{
	const char *name = (const char *)sqlite3_column_text(row, 0);
	const char *text = (const char *)sqlite3_column_text(row, 1);
	uint64_t number = (uint64_t)sqlite3_column_int64(row, 1);

	if (!name || !text)
		return;
	if (strcmp(name, "probe_instance") == 0)
		(void)snprintf(state->probe_instance, sizeof(state->probe_instance), "%s", text);
	else if (strcmp(name, "boot_id") == 0)
		(void)snprintf(state->boot_id, sizeof(state->boot_id), "%s", text);
	else if (strcmp(name, "closed_next") == 0)
		state->closed_next = number;
	else if (strcmp(name, "closed_handed") == 0)
		state->closed_handed = number;
	else if (strcmp(name, "polled_unix_ns") == 0)
		state->polled_unix_ns = number;
}

int history_load_state(struct history *history, struct history_state *ret)
{
	sqlite3_stmt *rows = history->statements[LIST_META];
	struct history_state state = {0};
	int r;

	while ((r = sqlite3_step(rows)) == SQLITE_ROW)
		read_meta(rows, &state);
	(void)sqlite3_reset(rows); /* repeats the error of step */
	if (r == SQLITE_DONE)
		*ret = state;
	return history_errno(r);
}

int history_load_baselines(struct history *history, history_on_baseline on_baseline, void *context)
{
	sqlite3_stmt *rows = history->statements[LIST_BASELINES];
	int r, result = 0;

	while ((r = sqlite3_step(rows)) == SQLITE_ROW && result >= 0) {
		struct connection_counters reported = read_counters(rows);

		result = on_baseline((uint64_t)sqlite3_column_int64(rows, 0), &reported,
				     sqlite3_column_int(rows, 1) != 0, context);
	}
	(void)sqlite3_reset(rows); /* repeats the error of step */
	return result < 0 ? result : history_errno(r);
}

int history_load_sums(struct history *history, history_on_sum on_sum, void *context)
{
	sqlite3_stmt *rows = history->statements[LIST_SUMS];
	int r, result = 0;

	while ((r = sqlite3_step(rows)) == SQLITE_ROW && result >= 0) {
		struct connection_counters counters = read_counters(rows);
		const char *name = (const char *)sqlite3_column_text(rows, 0);

		if (name)
			result = on_sum(name, (uint64_t)sqlite3_column_int64(rows, 1), &counters,
					context);
	}
	(void)sqlite3_reset(rows); /* repeats the error of step */
	return result < 0 ? result : history_errno(r);
}

/* What `record` accounts for; time and probe are those of the last one. */
static void add_to_sum(struct history_record *sum, const struct history_record *record)
{
	sum->time_unix_ns = record->time_unix_ns;
	memcpy(sum->probe_instance, record->probe_instance, sizeof(sum->probe_instance));
	sum->n_connections += record->n_connections;
	sum->counters.bytes_sent += record->counters.bytes_sent;
	sum->counters.bytes_received += record->counters.bytes_received;
	sum->counters.packets_sent += record->counters.packets_sent;
	sum->counters.packets_received += record->counters.packets_received;
	sum->counters.retransmits += record->counters.retransmits;
}

static bool stands_for_any(const struct history_record *sum)
{
	const struct connection_counters *counters = &sum->counters;

	return sum->n_connections || counters->bytes_sent || counters->bytes_received ||
	       counters->packets_sent || counters->packets_received || counters->retransmits;
}

static void insert_record(struct history *history, const struct history_record *record)
{
	bind_number(history, ADD_RECORD, 1, record->time_unix_ns);
	bind_text(history, ADD_RECORD, 2, record->probe_instance, strlen(record->probe_instance));
	bind_number(history, ADD_RECORD, 3, record->connection_id);
	bind_number(history, ADD_RECORD, 4, (uint64_t)record->state);
	bind_text(history, ADD_RECORD, 5, record->json, record->json_size);
	run_in_transaction(history, ADD_RECORD);
}

/* The backlog itself is emptied by the caller, once that is safe. */
static uint64_t insert_backlog(struct history *history, struct history_record *sum)
{
	struct history_record record;
	uint64_t n = 0;

	for (int r = backlog_first(history->backlog, &record); r == 0 && history->error == 0;
	     r = backlog_next(history->backlog, &record)) {
		insert_record(history, &record);
		add_to_sum(sum, &record);
		n++;
	}
	return n;
}

/* In the transaction that moves past what was dropped, so that neither is in the file alone. */
static uint64_t insert_lost(struct history *history)
{
	CLEANUP_FREE char *text = NULL;
	struct history_record record = history->lost;

	if (history->error < 0 || !history->describe_lost || !stands_for_any(&record))
		return 0;
	text = history->describe_lost(&record);
	if (!text) {
		history->error = -ENOMEM;
		return 0;
	}
	record.json = text;
	record.json_size = strlen(text);
	insert_record(history, &record);
	return 1;
}

/* Room for more of a large interval: what was inserted is lost if the commit fails. */
static void spill_backlog(struct history *history)
{
	struct history_record sum = history->in_transaction_sum;
	uint64_t n = insert_backlog(history, &sum);

	if (history->error < 0)
		return;
	backlog_clear(history->backlog);
	history->n_in_transaction += n;
	history->in_transaction_sum = sum;
}

int history_add_record(struct history *history, const struct history_record *record)
{
	int r = backlog_add(history->backlog, record);

	if (r == -ENOSPC) {
		spill_backlog(history);
		r = backlog_add(history->backlog, record);
	}
	if (r < 0) {
		history->stats.n_dropped++;
		add_to_sum(&history->lost, record);
	}
	return r;
}

static bool takes_baselines(const struct history *history)
{
	return !history->is_behind || history->is_catching_up;
}

void history_put_baseline(struct history *history, uint64_t id,
			  const struct connection_counters *reported, bool is_established)
{
	if (!takes_baselines(history))
		return;
	bind_number(history, PUT_BASELINE, 1, id);
	bind_number(history, PUT_BASELINE, 2, is_established);
	bind_counters(history, PUT_BASELINE, reported);
	run_in_transaction(history, PUT_BASELINE);
}

void history_remove_baseline(struct history *history, uint64_t id)
{
	if (!takes_baselines(history))
		return;
	bind_number(history, REMOVE_BASELINE, 1, id);
	run_in_transaction(history, REMOVE_BASELINE);
}

void history_clear_baselines(struct history *history)
{
	history->is_catching_up = true;
	run_in_transaction(history, CLEAR_BASELINES);
}

void history_put_sum(struct history *history, const char *name, uint64_t n_connections,
		     const struct connection_counters *counters)
{
	bind_text(history, PUT_SUM, 1, name, strlen(name));
	bind_number(history, PUT_SUM, 2, n_connections);
	bind_counters(history, PUT_SUM, counters);
	run_in_transaction(history, PUT_SUM);
}

void history_clear_sums(struct history *history)
{
	run_in_transaction(history, CLEAR_SUMS);
}

bool history_is_behind(const struct history *history)
{
	return history->is_behind;
}

static void put_meta(struct history *history, const char *name, uint64_t value)
{
	bind_text(history, PUT_META, 1, name, strlen(name));
	bind_number(history, PUT_META, 2, value);
	run_in_transaction(history, PUT_META);
}

static void put_meta_text(struct history *history, const char *name, const char *text)
{
	bind_text(history, PUT_META, 1, name, strlen(name));
	bind_text(history, PUT_META, 2, text, strlen(text));
	run_in_transaction(history, PUT_META);
}

static void put_state(struct history *history, const struct history_state *state)
{
	put_meta_text(history, "probe_instance", state->probe_instance);
	put_meta_text(history, "boot_id", state->boot_id);
	put_meta(history, "closed_next", state->closed_next);
	put_meta(history, "closed_handed", state->closed_handed);
	put_meta(history, "polled_unix_ns", state->polled_unix_ns);
}

static void evict(struct history *history)
{
	bind_number(history, EVICT_RECORDS, 1, (uint64_t)history->max_records);
	run_in_transaction(history, EVICT_RECORDS);
	history->n_evicted_now = (uint64_t)sqlite3_changes(history->db);
}

static void succeed(struct history *history, uint64_t n_records)
{
	if (history->is_error_logged)
		log_info("the history is stored again", NULL);
	history->is_error_logged = false;
	history->is_behind = false;
	backlog_clear(history->backlog);
	history->lost = (struct history_record){0};
	history->stats.n_stored += n_records + history->n_in_transaction;
	history->stats.n_evicted += history->n_evicted_now;
}

static void fail(struct history *history)
{
	if (!history->is_error_logged)
		log_error("cannot store the history; it goes on in memory",
			  "error=%s reason=%s remedy=%s", strerror(-history->error),
			  sqlite3_errmsg(history->db), history_remedy(history->error));
	history->is_error_logged = true;
	history->is_behind = true;
	history->stats.n_errors++;
	history->stats.n_dropped += history->n_in_transaction;
	if (history->n_in_transaction)
		add_to_sum(&history->lost, &history->in_transaction_sum);
	if (history->has_transaction && !sqlite3_get_autocommit(history->db))
		(void)run(history, ROLLBACK); /* nothing more can be done about it */
}

static void end_transaction(struct history *history)
{
	history->has_transaction = false;
	history->is_catching_up = false;
	history->error = 0;
	history->n_in_transaction = 0;
	history->n_evicted_now = 0;
	history->in_transaction_sum = (struct history_record){0};
}

int history_commit(struct history *history, const struct history_state *state)
{
	struct history_record unused = {0};
	uint64_t n;
	int error;

	if (history->is_behind && !history->is_catching_up && history->error == 0)
		history->error = -ESTALE; /* the caller did not put the baselines */
	n = insert_backlog(history, &unused);
	n += insert_lost(history);
	evict(history);
	put_state(history, state);
	run_in_transaction(history, COMMIT);
	error = history->error;
	if (error == 0)
		succeed(history, n);
	else
		fail(history);
	end_transaction(history);
	return error;
}

const struct history_stats *history_get_stats(const struct history *history)
{
	return &history->stats;
}
