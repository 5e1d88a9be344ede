/* SPDX-License-Identifier: Apache-2.0 */
#include "graph.h"

#define WIDTH 960
#define BOX_WIDTH 260
#define BOX_HEIGHT 24
#define PITCH 36 /* from one box to the next */
#define MARGIN 16
#define MAX_STROKE 8
#define CHARS_IN_BOX 36

/* In the middle of the `i`th of `n` boxes, over the height of the longer column. */
static unsigned int place_y(size_t i, size_t n, size_t n_longer)
{
	size_t spare = (n_longer - n) * PITCH / 2;

	return (unsigned int)(MARGIN + spare + i * PITCH + BOX_HEIGHT / 2);
}

/* What XML gives a meaning; names have printable ASCII only. */
static void print_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else
			fputc(*text, out);
	}
}

static void print_boxes(char (*names)[GRAPH_NAME_BYTES], size_t n, size_t n_longer,
			unsigned int x, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int y = place_y(i, n, n_longer);
		char shown[CHARS_IN_BOX + 1];

		(void)snprintf(shown, sizeof(shown), "%s", names[i]); /* cut: the title has it whole */
		fprintf(out, "<g><title>");
		print_escaped(names[i], out);
		fprintf(out, "</title><rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" rx=\"4\"/>"
			     "<text x=\"%u\" y=\"%u\">", x, y - BOX_HEIGHT / 2, BOX_WIDTH, BOX_HEIGHT,
			x + 8, y + 4);
		print_escaped(shown, out);
		fputs("</text></g>\n", out);
	}
}

/* A line is one unit wider for each power of ten of its bytes above a thousand. */
static unsigned int stroke(uint64_t bytes)
{
	unsigned int width = 1;

	for (; bytes >= 10000 && width < MAX_STROKE; bytes /= 10)
		width++;
	return width;
}

static void print_edge(const struct graph *graph, const struct graph_edge *edge, size_t n_longer,
		       FILE *out)
{
	unsigned int left = MARGIN + BOX_WIDTH, right = WIDTH - MARGIN - BOX_WIDTH;
	unsigned int from_y = place_y(edge->local, graph->n_locals, n_longer);
	unsigned int to_y = place_y(edge->remote, graph->n_remotes, n_longer);

	fprintf(out, "<path%s stroke-width=\"%u\" d=\"M%u %u C%u %u %u %u %u %u\"><title>",
		edge->n_failed ? " class=\"failed\"" : "", stroke(edge->bytes), left, from_y,
		(left + right) / 2, from_y, (left + right) / 2, to_y, right, to_y);
	print_escaped(graph->locals[edge->local], out);
	fputs(edge->is_from_remote ? " &lt;- " : " -&gt; ", out);
	print_escaped(graph->remotes[edge->remote], out);
	fputs(": ", out);
	print_escaped(edge->label, out);
	fputs("</title></path>\n", out);
}

void graph_print_svg(const struct graph *graph, FILE *out)
{
	size_t n_longer = graph->n_locals > graph->n_remotes ? graph->n_locals : graph->n_remotes;
	size_t height = 2 * MARGIN + n_longer * PITCH;

	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
		     "viewBox=\"0 0 %d %zu\">\n", WIDTH, height, WIDTH, height);
	fputs("<style>rect{fill:#eef;stroke:#336}text{font:12px sans-serif}"
	      "path{fill:none;stroke:#336;stroke-opacity:.5}path.failed{stroke:#c00}</style>\n", out);
	for (size_t i = 0; i < graph->n_edges; i++)
		print_edge(graph, &graph->edges[i], n_longer, out);
	print_boxes(graph->locals, graph->n_locals, n_longer, MARGIN, out);
	print_boxes(graph->remotes, graph->n_remotes, n_longer, WIDTH - MARGIN - BOX_WIDTH, out);
	fputs("</svg>\n", out);
}
