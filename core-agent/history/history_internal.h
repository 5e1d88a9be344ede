/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the files of this folder only. */

#include <sqlite3.h>

#define HISTORY_SCHEMA_VERSION 1

/* The errno that comes nearest; 0 for SQLITE_OK, SQLITE_ROW and SQLITE_DONE. */
int history_errno(int sqlite_result);
