/* SPDX-License-Identifier: Apache-2.0 */
#include "graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/text.h"
#include "format.h"

#define CONTAINER_CHARS 12

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static uint64_t number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? (uint64_t)value : 0;
}

/* The answer has no more of the group than what it was rolled up by. */
void graph_local_name(const json_t *edge, char out[GRAPH_NAME_BYTES])
{
	const json_t *local = json_object_get(edge, "local");
	const char *comm = text(local, "comm"), *container = text(local, "container_id");
	const char *container_name = text(local, "container_name");
	const char *service = text(local, "service");
	char name[GRAPH_NAME_BYTES];

	if (comm && number(local, "pid"))
		(void)snprintf(name, sizeof(name), "%.40s (%" PRIu64 ")", comm, number(local, "pid"));
	else if (comm)
		(void)snprintf(name, sizeof(name), "%.40s", comm);
	else if (container && container_name)
		(void)snprintf(name, sizeof(name), "%.80s", container_name);
	else if (container)
		(void)snprintf(name, sizeof(name), "%.*s", CONTAINER_CHARS, container);
	else
		(void)snprintf(name, sizeof(name), "%.80s", service ? service : "(unknown)");
	text_make_printable(name, GRAPH_NAME_BYTES, out, GRAPH_NAME_BYTES);
}

void graph_remote_name(const json_t *edge, char out[GRAPH_NAME_BYTES])
{
	static const char *const members[] = {"remote_service", "remote_container_name",
					      "remote_pod_name", "remote_comm"};
	const char *address = text(edge, "remote_ip"), *known = NULL;
	char name[GRAPH_NAME_BYTES];

	for (size_t i = 0; i < sizeof(members) / sizeof(*members) && !known; i++)
		known = text(edge, members[i]);
	(void)snprintf(name, sizeof(name), known ? "%s (%.40s)" : "%s%.40s", address ? address : "-",
		       known ? known : "");
	text_make_printable(name, GRAPH_NAME_BYTES, out, GRAPH_NAME_BYTES);
}

/* The place of the name, which is appended when it is new. `names` has room. */
static size_t place_of(char (*names)[GRAPH_NAME_BYTES], size_t *n, const char *name)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	(void)snprintf(names[(*n)++], GRAPH_NAME_BYTES, "%s", name); /* as large */
	return i;
}

static void set_label(struct graph_edge *edge, const json_t *from)
{
	const char *proto = text(from, "proto");
	char bytes[FORMAT_SIZE], port[16] = "", failed[32] = "";

	format_count(edge->bytes, bytes);
	if (number(from, "port"))
		(void)snprintf(port, sizeof(port), "/%u", (unsigned int)(number(from, "port") & 0xffff));
	if (edge->n_failed)
		(void)snprintf(failed, sizeof(failed), ", %" PRIu64 " failed", edge->n_failed);
	(void)snprintf(edge->label, sizeof(edge->label), "%s%s %sB%s",
		       proto && strcmp(proto, "udp") == 0 ? "udp" : "tcp", port, bytes, failed);
}

static void add_edge(struct graph *graph, const json_t *from)
{
	struct graph_edge *edge = &graph->edges[graph->n_edges++];
	const char *role = text(from, "role");
	char name[GRAPH_NAME_BYTES];

	graph_local_name(from, name);
	edge->local = place_of(graph->locals, &graph->n_locals, name);
	graph_remote_name(from, name);
	edge->remote = place_of(graph->remotes, &graph->n_remotes, name);
	edge->is_from_remote = role && strcmp(role, "server") == 0;
	edge->bytes = number(from, "bytes_sent") + number(from, "bytes_received");
	edge->n_failed = number(json_object_get(from, "connections"), "failed");
	set_label(edge, from);
}

struct graph *graph_new(const json_t *answer)
{
	const json_t *edges = json_object_get(answer, "edges");
	size_t n = json_array_size(edges);
	struct graph *graph = calloc(1, sizeof(*graph));

	if (!graph)
		return NULL;
	graph->locals = calloc(n ? n : 1, sizeof(*graph->locals));
	graph->remotes = calloc(n ? n : 1, sizeof(*graph->remotes));
	graph->edges = calloc(n ? n : 1, sizeof(*graph->edges));
	if (!graph->locals || !graph->remotes || !graph->edges) {
		graph_free(graph);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		add_edge(graph, json_array_get(edges, i));
	return graph;
}

void graph_free(struct graph *graph)
{
	if (!graph)
		return;
	free(graph->locals);
	free(graph->remotes);
	free(graph->edges);
	free(graph);
}

/* In double quotes only the quote is special; a backslash begins an escape of labels. */
static void print_quoted(const char *name, FILE *out)
{
	fputc('"', out);
	for (; *name; name++)
		fprintf(out, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
	fputc('"', out);
}

static void print_nodes(char (*names)[GRAPH_NAME_BYTES], size_t n, char kind, const char *shape,
			FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "  %c%zu [shape=%s, label=", kind, i, shape);
		print_quoted(names[i], out);
		fputs("];\n", out);
	}
}

void graph_print_dot(const struct graph *graph, FILE *out)
{
	fputs("digraph sysprobe {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n", out);
	print_nodes(graph->locals, graph->n_locals, 'l', "box", out);
	print_nodes(graph->remotes, graph->n_remotes, 'r', "ellipse", out);
	for (size_t i = 0; i < graph->n_edges; i++) {
		const struct graph_edge *edge = &graph->edges[i];

		if (edge->is_from_remote)
			fprintf(out, "  r%zu -> l%zu [label=", edge->remote, edge->local);
		else
			fprintf(out, "  l%zu -> r%zu [label=", edge->local, edge->remote);
		print_quoted(edge->label, out);
		fprintf(out, "%s];\n", edge->n_failed ? ", color=red" : "");
	}
	fputs("}\n", out);
}
