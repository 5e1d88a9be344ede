/* SPDX-License-Identifier: Apache-2.0 */
/* The command topology. */
#include "cli_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "columns.h"
#include "format.h"
#include "graph.h"
#include "grid.h"
#include "ipc.h"

#define PATH "/agent/topology"
#define MAX_DRAWN 20000 /* names are looked for one by one */

static const struct {
	const char *title;
	bool is_right;
} titles[] = {{"local", false}, {"role", false}, {"remote", false}, {"proto", false},
	      {"port", true},   {"open", true},	 {"closed", true},  {"failed", true},
	      {"sent", true},   {"received", true}, {"rtt", true}};
#define N_TITLES (sizeof(titles) / sizeof(*titles))

static void format_number(const json_t *object, const char *name,
			  void (*format)(uint64_t value, char out[FORMAT_SIZE]),
			  char out[COLUMN_CELL_BYTES])
{
	const json_t *value = json_object_get(object, name);

	if (json_is_integer(value))
		format((uint64_t)json_integer_value(value), out);
	else
		(void)snprintf(out, COLUMN_CELL_BYTES, "-");
}

static int add_edge(struct grid *grid, const json_t *edge)
{
	const json_t *connections = json_object_get(edge, "connections");
	char cells[N_TITLES][COLUMN_CELL_BYTES];
	int r = 0;

	graph_local_name(edge, cells[0]);
	columns_format_member(edge, "role", cells[1]);
	graph_remote_name(edge, cells[2]);
	columns_format_member(edge, "proto", cells[3]);
	columns_format_member(edge, "port", cells[4]);
	columns_format_member(connections, "open", cells[5]);
	columns_format_member(connections, "closed", cells[6]);
	columns_format_member(connections, "failed", cells[7]);
	format_number(edge, "bytes_sent", format_count, cells[8]);
	format_number(edge, "bytes_received", format_count, cells[9]);
	format_number(edge, "max_rtt_us", format_us, cells[10]);
	for (size_t i = 0; i < N_TITLES && r == 0; i++)
		r = grid_add_cell(grid, cells[i]);
	return r;
}

static int print_text(struct cli *cli, const json_t *answer)
{
	const json_t *edges = json_object_get(answer, "edges");
	struct grid *grid = grid_new();
	int r = grid ? 0 : -ENOMEM;

	for (size_t i = 0; i < N_TITLES && r == 0; i++)
		r = grid_add_column(grid, titles[i].title, titles[i].is_right);
	for (size_t i = 0; i < json_array_size(edges) && r == 0; i++)
		r = add_edge(grid, json_array_get(edges, i));
	if (r == 0)
		grid_print(grid, cli_style(cli, STYLE_BOLD), cli_style(cli, STYLE_OFF), stdout);
	grid_free(grid);
	return r == 0 ? CLI_DONE
		      : cli_fail(CLI_FAILED, "too many rows for a table; use --json");
}

static int print_graph(const json_t *answer, void (*print)(const struct graph *graph, FILE *out))
{
	struct graph *graph;

	if (json_array_size(json_object_get(answer, "edges")) > MAX_DRAWN)
		return cli_fail(CLI_USAGE, "a picture has %d edges at most; --limit %d", MAX_DRAWN,
				MAX_DRAWN);
	graph = graph_new(answer);
	if (!graph)
		return cli_fail(CLI_FAILED, "out of memory");
	print(graph, stdout);
	graph_free(graph);
	return CLI_DONE;
}

static int print(struct cli *cli, const json_t *answer)
{
	json_int_t shown = json_integer_value(json_object_get(answer, "shown"));
	json_int_t matched = json_integer_value(json_object_get(answer, "matched"));
	int code;

	if (cli_has(cli, "dot"))
		code = print_graph(answer, graph_print_dot);
	else if (cli_has(cli, "svg"))
		code = print_graph(answer, graph_print_svg);
	else
		code = print_text(cli, answer);
	code = cli_flush(code);
	if (shown < matched)
		fprintf(stderr, "core-agent: the %" JSON_INTEGER_FORMAT " largest of %"
				JSON_INTEGER_FORMAT " shown; --limit N for more\n", shown, matched);
	return code;
}

static int show(struct cli *cli, struct ipc *ipc, struct ipc_problem *problem)
{
	bool is_json = cli_has(cli, "json");
	CLEANUP_FREE char *path = ipc_query(is_json ? PATH "?format=jsonl" : PATH, &cli->arguments);
	json_t *answer;
	size_t n_lines;
	int code;

	if (!path)
		return cli_fail(CLI_FAILED, "out of memory");
	if (is_json) {
		if (ipc_copy(ipc, path, stdout, &n_lines, problem) < 0)
			return cli_fail(problem->exit_code, "%s", problem->text);
		return cli_flush(CLI_DONE);
	}
	answer = ipc_ask(ipc, path, NULL, false, problem);
	if (!answer)
		return cli_fail(problem->exit_code, "%s", problem->text);
	code = print(cli, answer);
	json_decref(answer);
	return code;
}

int command_topology(struct cli *cli)
{
	struct ipc_problem problem;
	struct ipc *ipc;
	int code;

	if (cli_has(cli, "json") + cli_has(cli, "dot") + cli_has(cli, "svg") > 1)
		return cli_fail(CLI_USAGE, "--json, --dot and --svg are one or none");
	code = cli_enter(cli);
	if (code != CLI_DONE)
		return code;
	if (ipc_new(&cli->settings, &ipc, &problem) < 0)
		return cli_fail(problem.exit_code, "%s", problem.text);
	code = show(cli, ipc, &problem);
	ipc_free(ipc);
	return code;
}
