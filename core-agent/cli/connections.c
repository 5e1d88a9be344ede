/* SPDX-License-Identifier: Apache-2.0 */
/* The command connections. */
#include "cli_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "ipc.h"
#include "columns.h"
#include "grid.h"

#define PATH "/agent/connections"
#define DEFAULT_LIMIT 1000
#define MAX_NAMES 32
#define MAX_LIST_BYTES 1024

struct fields {
	char text[MAX_LIST_BYTES]; /* the names, NUL-terminated each */
	const char *names[MAX_NAMES];
	const struct column *columns[MAX_NAMES];
	size_t n;
};

static int split(const char *list, struct fields *fields)
{
	char *rest = fields->text;

	if ((size_t)snprintf(fields->text, sizeof(fields->text), "%s", list) >=
	    sizeof(fields->text))
		return -EINVAL;
	for (char *name; (name = strsep(&rest, ","));) {
		if (!*name || fields->n == MAX_NAMES)
			return -EINVAL;
		fields->columns[fields->n] = columns_find(name);
		fields->names[fields->n++] = name;
	}
	return 0;
}

/* What the API is asked for: members in place of columns. */
static void list_members(const struct fields *fields, char out[2 * MAX_LIST_BYTES])
{
	size_t size = 0;

	for (size_t i = 0; i < fields->n; i++) {
		const struct column *column = fields->columns[i];
		const char *members = column && column->members ? column->members
								: fields->names[i];

		size += (size_t)snprintf(out + size, 2 * MAX_LIST_BYTES - size, "%s%s",
					 i ? "," : "", members); /* fits: see `columns` */
	}
}

static struct grid *make_grid(const json_t *answer, const struct fields *fields)
{
	struct grid *grid = grid_new();
	const json_t *list = json_object_get(answer, "connections");
	char cell[COLUMN_CELL_BYTES];
	int r = grid ? 0 : -ENOMEM;

	for (size_t i = 0; i < fields->n && r == 0; i++) {
		const struct column *column = fields->columns[i];

		r = grid_add_column(grid, column && column->title ? column->title : fields->names[i],
				    column && column->is_right);
	}
	for (size_t i = 0; i < json_array_size(list) && r == 0; i++)
		for (size_t j = 0; j < fields->n && r == 0; j++) {
			columns_format(fields->columns[j], fields->names[j],
				       json_array_get(list, i), cell);
			r = grid_add_cell(grid, cell);
		}
	if (r == 0)
		return grid;
	grid_free(grid);
	return NULL;
}

static void say_rest(size_t shown, size_t matched)
{
	if (shown < matched)
		fprintf(stderr, "core-agent: %zu of %zu shown; --limit N for more, or a filter for "
				"less\n", shown, matched);
}

static int print_table(struct cli *cli, const json_t *answer, const struct fields *fields)
{
	struct grid *grid = make_grid(answer, fields);
	int code;

	if (!grid)
		return cli_fail(CLI_FAILED, "too many rows for a table; use --json");
	grid_print(grid, cli_style(cli, STYLE_BOLD), cli_style(cli, STYLE_OFF), stdout);
	grid_free(grid);
	code = cli_flush(CLI_DONE);
	say_rest(json_array_size(json_object_get(answer, "connections")),
		 (size_t)json_integer_value(json_object_get(answer, "matched")));
	return code;
}

/* A table asks for what it shows; --fields goes to the API in another form than it came. */
static char *make_path(struct cli *cli, const struct fields *fields)
{
	struct arguments arguments = cli->arguments;
	char members[2 * MAX_LIST_BYTES], path[sizeof(members) + sizeof(PATH) + 16];

	list_members(fields, members);
	if (!cli_has(cli, "json") && !cli_has(cli, "fields")) {
		(void)snprintf(path, sizeof(path), PATH "?fields=%s", members); /* fits */
		return ipc_query(path, &arguments);
	}
	for (size_t i = 0; i < arguments.n_given; i++)
		if (strcmp(arguments.given[i].flag->name, "fields") == 0)
			arguments.given[i].value = members;
	return ipc_query(cli_has(cli, "json") ? PATH "?format=jsonl" : PATH, &arguments);
}

static int show(struct cli *cli, struct ipc *ipc, const struct fields *fields,
		struct ipc_problem *problem)
{
	CLEANUP_FREE char *path = make_path(cli, fields);
	size_t n_lines, limit = DEFAULT_LIMIT;
	json_t *answer;
	int code;

	if (!path)
		return cli_fail(CLI_FAILED, "out of memory");
	if (cli_has(cli, "json")) {
		if (ipc_copy(ipc, path, stdout, &n_lines, problem) < 0)
			return cli_fail(problem->exit_code, "%s", problem->text);
		code = cli_flush(CLI_DONE);
		/* A limit that is no number was refused by the agent. */
		(void)arguments_get_number(&cli->arguments, "limit", SIZE_MAX, &limit);
		if (n_lines == limit)
			fprintf(stderr, "core-agent: the limit of %zu is reached; --limit N for "
					"more\n", limit);
		return code;
	}
	answer = ipc_ask(ipc, path, NULL, false, problem);
	if (!answer)
		return cli_fail(problem->exit_code, "%s", problem->text);
	code = print_table(cli, answer, fields);
	json_decref(answer);
	return code;
}

int command_connections(struct cli *cli)
{
	const char *list = arguments_get(&cli->arguments, "fields");
	struct fields fields = {.n = 0};
	struct ipc_problem problem;
	struct ipc *ipc;
	int code;

	if (split(list ? list : columns_default, &fields) < 0)
		return cli_fail(CLI_USAGE, "--fields is a list of 1 to %d names, separated by commas",
				MAX_NAMES);
	code = cli_enter(cli);
	if (code != CLI_DONE)
		return code;
	if (ipc_new(&cli->settings, &ipc, &problem) < 0)
		return cli_fail(problem.exit_code, "%s", problem.text);
	code = show(cli, ipc, &fields, &problem);
	ipc_free(ipc);
	return code;
}
