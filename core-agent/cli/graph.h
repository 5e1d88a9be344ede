/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who talks to whom as a graph: groups of this host on one side, remote addresses on the
 * other. Pure: an answer of /agent/topology in, DOT or SVG out.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GRAPH_NAME_BYTES 96

struct graph_edge {
	size_t local, remote; /* places in the lists of names */
	bool is_from_remote;  /* the remote end began it */
	uint64_t bytes;
	uint64_t n_failed;
	char label[64]; /* "tcp/443 1.2M", and failures */
};

struct graph {
	char (*locals)[GRAPH_NAME_BYTES]; /* fit for a terminal, each once */
	size_t n_locals;
	char (*remotes)[GRAPH_NAME_BYTES];
	size_t n_remotes;
	struct graph_edge *edges;
	size_t n_edges;
};

/* What a group is called: a process by name and id, a container by name or 12 digits, a service. */
void graph_local_name(const json_t *edge, char out[GRAPH_NAME_BYTES]);

/* The remote end: its address, and who that is where it is known. */
void graph_remote_name(const json_t *edge, char out[GRAPH_NAME_BYTES]);

struct graph *graph_new(const json_t *answer); /* NULL: out of memory */
void graph_free(struct graph *graph);	       /* takes NULL */

/* https://graphviz.org/doc/info/lang.html */
void graph_print_dot(const struct graph *graph, FILE *out);

/* Two columns and lines between them, in the order of the answer; one file, no script. */
void graph_print_svg(const struct graph *graph, FILE *out);
