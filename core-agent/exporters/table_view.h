/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The busiest connections as a table of text. Pure: connections in, text out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "connection.h"

#define TABLE_VIEW_MAX_ROWS 512

struct table_view;

/* Around the rows. */
struct table_frame {
	unsigned int width; /* characters; longer lines are cut */
	unsigned int height; /* lines; rows that do not fit are only counted */
	const char *tier;
	uint64_t end_unix_ns;
	uint64_t elapsed_ns; /* 0: unknown, rates cannot be given */
	bool is_terminal; /* draw over the last frame with ANSI sequences */
	bool has_colour;
};

/* NULL: out of memory. */
struct table_view *table_view_new(void);
void table_view_free(struct table_view *view);
void table_view_clear(struct table_view *view);

/*
 * Count a connection, and keep it if it is among the TABLE_VIEW_MAX_ROWS with
 * most bytes in the interval. A closed one is added to its row of this view.
 */
void table_view_add(struct table_view *view, const struct connection *connection);
void table_view_add_overflow(struct table_view *view, const struct overflow *overflow);

/* Sorts the rows by bytes in the interval, and writes title, header, rows, rest. */
void table_view_print(struct table_view *view, const struct table_frame *frame, FILE *out);
