/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char answer[] =
	"{\"edges\": ["
	"{\"local\": {\"pid\": 7, \"comm\": \"a<\\\"b\"}, \"remote_ip\": \"10.0.0.1\", \"proto\": \"tcp\","
	" \"role\": \"client\", \"port\": 443, \"connections\": {\"open\": 1, \"failed\": 2},"
	" \"bytes_sent\": 1000, \"bytes_received\": 500},"
	"{\"local\": {\"container_id\": \"0123456789abcdef\"}, \"remote_ip\": \"10.0.0.1\","
	" \"proto\": \"udp\", \"role\": \"server\", \"port\": 53, \"connections\": {\"failed\": 0},"
	" \"bytes_sent\": 1, \"bytes_received\": 0},"
	"{\"local\": {}, \"remote_ip\": \"fd00::1\", \"proto\": \"udp\", \"bytes_sent\": 1}]}";

static char *printed(void (*print)(const struct graph *graph, FILE *out))
{
	json_t *json = json_loads(answer, 0, NULL);
	struct graph *graph = graph_new(json);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(graph);
	print(graph, out);
	assert_int_equal(fclose(out), 0);
	graph_free(graph);
	json_decref(json);
	return text;
}

static void dot_has_each_end_once_and_arrows_from_who_began(void **state)
{
	char *text = printed(graph_print_dot);

	(void)state;
	assert_string_equal(text,
			    "digraph sysprobe {\n"
			    "  rankdir=LR;\n"
			    "  node [fontname=\"sans-serif\"];\n"
			    "  l0 [shape=box, label=\"a<\\\"b (7)\"];\n"
			    "  l1 [shape=box, label=\"0123456789ab\"];\n"
			    "  l2 [shape=box, label=\"(unknown)\"];\n"
			    "  r0 [shape=ellipse, label=\"10.0.0.1\"];\n"
			    "  r1 [shape=ellipse, label=\"fd00::1\"];\n"
			    "  l0 -> r0 [label=\"tcp/443 1.5kB, 2 failed\", color=red];\n"
			    "  r0 -> l1 [label=\"udp/53 1B\"];\n"
			    "  l2 -> r1 [label=\"udp 1B\"];\n"
			    "}\n");
	free(text);
}

static void svg_escapes_names(void **state)
{
	char *text = printed(graph_print_svg);

	(void)state;
	assert_non_null(strstr(text, "<title>a&lt;&quot;b (7)</title>"));
	assert_non_null(strstr(text, "class=\"failed\""));
	assert_non_null(strstr(text, "</svg>\n"));
	free(text);
}

static void nothing_is_a_picture_too(void **state)
{
	json_t *json = json_loads("{\"edges\": []}", 0, NULL);
	struct graph *graph = graph_new(json);

	(void)state;
	assert_int_equal(graph->n_locals + graph->n_remotes + graph->n_edges, 0);
	graph_free(graph);
	json_decref(json);
}

static void assert_names(const char *json, const char *local, const char *remote)
{
	json_t *edge = json_loads(json, 0, NULL);
	char name[GRAPH_NAME_BYTES];

	assert_non_null(edge);
	graph_local_name(edge, name);
	assert_string_equal(name, local);
	graph_remote_name(edge, name);
	assert_string_equal(name, remote);
	json_decref(edge);
}

static void ends_are_called_by_the_names_that_are_known(void **state)
{
	(void)state;
	assert_names("{\"local\": {\"container_id\": \"0123456789abcdef\","
		     " \"container_name\": \"web\"}, \"remote_ip\": \"10.0.0.1\","
		     " \"remote_container_name\": \"db\"}",
		     "web", "10.0.0.1 (db)");
	assert_names("{\"local\": {\"service\": \"shop\"}, \"remote_ip\": \"10.0.0.1\","
		     " \"remote_service\": \"db\", \"remote_comm\": \"postgres\"}",
		     "shop", "10.0.0.1 (db)");
	assert_names("{\"local\": {}}", "(unknown)", "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dot_has_each_end_once_and_arrows_from_who_began),
		cmocka_unit_test(svg_escapes_names),
		cmocka_unit_test(nothing_is_a_picture_too),
		cmocka_unit_test(ends_are_called_by_the_names_that_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
