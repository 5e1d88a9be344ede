/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include "history_internal.h"
#include "log.h"

#include <errno.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 2000

#define NEWEST                                                                                   \
	"SELECT json FROM (SELECT number, json FROM record ORDER BY number DESC LIMIT ?1)"       \
	" ORDER BY number"

static int print_rows(sqlite3_stmt *rows, FILE *out)
{
	int r;

	while ((r = sqlite3_step(rows)) == SQLITE_ROW) {
		size_t size = (size_t)sqlite3_column_bytes(rows, 0);
		const void *json = sqlite3_column_blob(rows, 0);

		if (!json)
			continue;
		if (fwrite(json, 1, size, out) != size || putc('\n', out) == EOF)
			return -errno;
	}
	if (r != SQLITE_DONE)
		return history_errno(r);
	return fflush(out) == EOF ? -errno : 0;
}

/* An agent that just made the file may not have made its tables. */
static int has_tables(sqlite3 *db, bool *ret)
{
	sqlite3_stmt *version;
	int r = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &version, NULL);

	if (r != SQLITE_OK)
		return history_errno(r);
	r = sqlite3_step(version);
	*ret = sqlite3_column_int(version, 0) != 0;
	(void)sqlite3_finalize(version); /* repeats the error of step */
	return history_errno(r);
}

static int select_rows(sqlite3 *db, uint64_t limit, FILE *out)
{
	sqlite3_stmt *rows;
	sqlite3_int64 n = limit > 0 && limit <= INT64_MAX ? (sqlite3_int64)limit : -1;
	int r = sqlite3_prepare_v2(db, NEWEST, -1, &rows, NULL);

	if (r != SQLITE_OK)
		return history_errno(r);
	(void)sqlite3_bind_int64(rows, 1, n); /* the one place there is */
	r = print_rows(rows, out);
	(void)sqlite3_finalize(rows); /* repeats the error of step */
	return r;
}

int history_print(const char *path, uint64_t limit, FILE *out)
{
	bool is_made = false;
	sqlite3 *db = NULL;
	int r = history_errno(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL));

	if (r == 0) {
		(void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS); /* fails for a NULL db only */
		r = has_tables(db, &is_made);
	}
	if (r == 0 && is_made)
		r = select_rows(db, limit, out);
	if (r < 0 && r != -EPIPE)
		log_error("cannot read the history", "path=%s error=%s reason=%s", path,
			  strerror(-r), db ? sqlite3_errmsg(db) : "-");
	(void)sqlite3_close(db); /* read-only: nothing that could be lost */
	return r;
}
