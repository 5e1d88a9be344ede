/* SPDX-License-Identifier: Apache-2.0 */
#include "grid.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct grid {
	struct {
		char *title;
		size_t width;
		bool is_right;
	} columns[GRID_MAX_COLUMNS];
	size_t n_columns;
	char **cells;
	size_t n_cells, capacity;
};

struct grid *grid_new(void)
{
	return calloc(1, sizeof(struct grid));
}

void grid_free(struct grid *grid)
{
	if (!grid)
		return;
	for (size_t i = 0; i < grid->n_columns; i++)
		free(grid->columns[i].title);
	for (size_t i = 0; i < grid->n_cells; i++)
		free(grid->cells[i]);
	free(grid->cells);
	free(grid);
}

int grid_add_column(struct grid *grid, const char *title, bool is_right)
{
	char *copy = grid->n_columns < GRID_MAX_COLUMNS ? strdup(title) : NULL;

	if (!copy)
		return grid->n_columns < GRID_MAX_COLUMNS ? -ENOMEM : -ENOSPC;
	for (char *c = copy; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	grid->columns[grid->n_columns].title = copy;
	grid->columns[grid->n_columns].width = strlen(copy);
	grid->columns[grid->n_columns++].is_right = is_right;
	return 0;
}

static int make_room(struct grid *grid)
{
	size_t capacity = grid->capacity ? 2 * grid->capacity : 256;
	char **cells;

	if (grid->n_cells < grid->capacity)
		return 0;
	if (capacity > GRID_MAX_CELLS)
		return -ENOSPC;
	cells = reallocarray(grid->cells, capacity, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	grid->cells = cells;
	grid->capacity = capacity;
	return 0;
}

int grid_add_cell(struct grid *grid, const char *text)
{
	size_t column = grid->n_cells % grid->n_columns, width = strlen(text);
	char *copy;
	int r = make_room(grid);

	if (r < 0)
		return r;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	grid->cells[grid->n_cells++] = copy;
	if (width > grid->columns[column].width)
		grid->columns[column].width = width;
	return 0;
}

static void print_cell(const struct grid *grid, size_t column, const char *text, FILE *out)
{
	int width = (int)grid->columns[column].width;
	bool is_last = column + 1 == grid->n_columns;

	if (grid->columns[column].is_right)
		fprintf(out, "%*s", width, text);
	else
		fprintf(out, "%-*s", is_last ? 0 : width, text);
	if (!is_last)
		fputs("  ", out);
}

void grid_print(const struct grid *grid, const char *style_on, const char *style_off, FILE *out)
{
	fputs(style_on, out);
	for (size_t i = 0; i < grid->n_columns; i++)
		print_cell(grid, i, grid->columns[i].title, out);
	fprintf(out, "%s\n", style_off);
	for (size_t i = 0; i < grid->n_cells && !ferror(out); i++) {
		size_t column = i % grid->n_columns;

		print_cell(grid, column, grid->cells[i], out);
		if (column + 1 == grid->n_columns)
			fputc('\n', out);
	}
}
