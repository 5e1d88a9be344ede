/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/grid.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct grid *grid = grid_new();
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(grid_add_column(grid, "name", false), 0);
	assert_int_equal(grid_add_column(grid, "n", true), 0);
	assert_int_equal(grid_add_column(grid, "end", false), 0);
	for (const char **cell = (const char *[]){"a", "10000", "x", "longer", "7", "yy", NULL};
	     *cell; cell++)
		assert_int_equal(grid_add_cell(grid, *cell), 0);
	grid_print(grid, "<", ">", out);
	fclose(out);
	assert_string_equal(text, "<NAME        N  END>\n"
				  "a       10000  x\n"
				  "longer      7  yy\n");
	free(text);
	grid_free(grid);
}

static void columns_are_bounded(void **state)
{
	struct grid *grid = grid_new();

	(void)state;
	for (int i = 0; i < GRID_MAX_COLUMNS; i++)
		assert_int_equal(grid_add_column(grid, "x", false), 0);
	assert_int_equal(grid_add_column(grid, "x", false), -ENOSPC);
	grid_free(grid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(columns_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
