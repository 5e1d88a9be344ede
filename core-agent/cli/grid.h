/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A table of text whose columns are as wide as their widest cell. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define GRID_MAX_COLUMNS 48
#define GRID_MAX_CELLS (8 * 1024 * 1024)

struct grid;

struct grid *grid_new(void); /* NULL: out of memory */
void grid_free(struct grid *grid); /* takes NULL */

/* Before the first row. `title` is copied and printed in upper case. -ENOSPC, -ENOMEM. */
int grid_add_column(struct grid *grid, const char *title, bool is_right);

/* Cells go from left to right, row after row. -ENOSPC or -ENOMEM. */
int grid_add_cell(struct grid *grid, const char *text);

/*
 * `style_on` and `style_off` go around the line of titles. The last column is not padded.
 */
void grid_print(const struct grid *grid, const char *style_on, const char *style_off, FILE *out);
