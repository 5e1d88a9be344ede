/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A history in a folder of the test's own, and its records read by SQLite itself. */

#include "history/history.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_RECORDS 5

struct fixture {
	char folder[40];
	char path[64];
	struct history *history;
	struct history_state state;
};

static inline int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->folder, "/tmp/test-history-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/history.db", fixture->folder);
	fixture->state.closed_next = 1;
	*state = fixture;
	return history_open(fixture->path, MAX_RECORDS, &fixture->history);
}

static inline int tear_down(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	struct fixture *fixture = *state;
	char path[80];

	history_close(fixture->history);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
		unlink(path);
	}
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static inline int add(struct fixture *fixture, uint64_t id, const char *json)
{
	const struct history_record record = {.connection_id = id,
					      .n_connections = 1,
					      .counters = {.bytes_sent = 10},
					      .json = json,
					      .json_size = strlen(json)};

	return history_add_record(fixture->history, &record);
}

static inline void store(struct fixture *fixture, uint64_t id, const char *json)
{
	assert_int_equal(add(fixture, id, json), 0);
	assert_int_equal(history_commit(fixture->history, &fixture->state), 0);
}

/* One number out of the file, by a connection of its own. */
static inline int64_t ask(const struct fixture *fixture, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	int64_t value;

	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}
