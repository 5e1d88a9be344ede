/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What of a connection stands in one cell of a table. Pure: JSON in, text out. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A cell is fit for a terminal; an address with its port fits. */
#define COLUMN_CELL_BYTES 128

struct column {
	const char *name;  /* as in --fields */
	const char *title; /* NULL: the name in upper case */
	bool is_right;
	void (*format)(const json_t *record, char out[COLUMN_CELL_BYTES]); /* NULL: the member */
	const char *members; /* of the JSON record that it is made of; NULL: the one of its name */
};

/* NULL: none has this name; it may still be a member of the record. */
const struct column *columns_find(const char *name);

/* What is shown when nothing is asked for: names, separated by commas. */
extern const char columns_default[];

/* A member as it is; "-" when there is none. */
void columns_format_member(const json_t *record, const char *name, char out[COLUMN_CELL_BYTES]);

/* The cell of a column, or of a member when `column` is NULL. */
void columns_format(const struct column *column, const char *name, const json_t *record,
		    char out[COLUMN_CELL_BYTES]);
