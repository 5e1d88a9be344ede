/* SPDX-License-Identifier: Apache-2.0 */
/* The command status. */
#include "cli_internal.h"

#include <inttypes.h>
#include <string.h>

#include "ipc.h"
#include "exporters/text.h"
#include "format.h"

#define TEXT_BYTES 256

/* Counters that are told in words above, or that say nothing about health. */
static const char *const told[] = {"uptime_ms", "cpu_us", "resident_bytes", "resident_peak_bytes",
				   "probe_up", "probe_last_read_ms", "recent_open", "recent_ended",
				   "history_up", "entities", "tag_sets"};

/* A member that is text, fit for a terminal. One buffer for each use in a line. */
static const char *text(const json_t *object, const char *name, char out[TEXT_BYTES])
{
	const char *value = json_string_value(json_object_get(object, name));

	text_make_printable(value && *value ? value : "-", TEXT_BYTES - 1, out, TEXT_BYTES);
	return out;
}

static uint64_t number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? (uint64_t)value : 0;
}

static bool is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static void print_state(struct cli *cli, const char *what, bool is_good, const char *good,
			const char *bad)
{
	printf("%-14s %s%s%s", what, cli_style(cli, is_good ? STYLE_GREEN : STYLE_RED),
	       is_good ? good : bad, cli_style(cli, STYLE_OFF));
}

static void print_agent(struct cli *cli, const json_t *status)
{
	const json_t *counters = json_object_get(status, "counters");
	bool is_ready = is_true(json_object_get(status, "health"), "is_ready");
	char version[TEXT_BYTES], hostname[TEXT_BYTES], source[TEXT_BYTES];
	char uptime[FORMAT_SIZE], cpu[FORMAT_SIZE], memory[FORMAT_SIZE];

	format_ms(number(counters, "uptime_ms"), uptime);
	format_ms(number(counters, "cpu_us") / 1000, cpu);
	format_count(number(counters, "resident_bytes"), memory);
	print_state(cli, "core-agent", is_ready, "ready", "not ready");
	printf(", version %s on %s (%s), pid %" PRIu64, text(status, "version", version),
	       text(status, "hostname", hostname), text(status, "hostname_source", source),
	       number(status, "pid"));
	printf(", up %s, %s of processor time, %sB of memory\n", uptime, cpu, memory);
}

static void print_probe(struct cli *cli, const json_t *status)
{
	const json_t *probe = json_object_get(status, "probe");
	const json_t *component = json_object_get(
		json_object_get(json_object_get(status, "health"), "components"), "probe");
	char tier[TEXT_BYTES], socket[TEXT_BYTES], problem[TEXT_BYTES], age[FORMAT_SIZE];
	bool is_connected = is_true(probe, "is_connected");

	print_state(cli, "system-probe", is_connected, "connected", "not connected");
	if (!is_connected)
		printf(": %s", text(component, "problem", problem));
	else
		printf(", tier %s", text(probe, "tier", tier));
	format_ms(number(probe, "last_read_ms_ago"), age);
	printf(", last read %s ago, socket %s\n", age, text(probe, "socket", socket));
}

static void print_history(struct cli *cli, const json_t *status)
{
	const json_t *counters = json_object_get(status, "counters");
	const json_t *component = json_object_get(
		json_object_get(json_object_get(status, "health"), "components"), "history");
	char problem[TEXT_BYTES];

	print_state(cli, "history", is_true(component, "is_healthy"), "healthy", "not healthy");
	if (!is_true(component, "is_healthy"))
		printf(": %s", text(component, "problem", problem));
	printf(", %" PRIu64 " records stored since the start\n",
	       number(counters, "history_stored"));
}

static void print_connections(const json_t *status)
{
	const json_t *counters = json_object_get(status, "counters");

	printf("%-14s %" PRIu64 " open, %" PRIu64 " ended and still known\n", "connections",
	       number(counters, "recent_open"), number(counters, "recent_ended"));
}

static void print_exporters(struct cli *cli, const json_t *status)
{
	json_t *exporters = json_object_get(status, "exporters"), *exporter;
	const char *name;

	json_object_foreach(exporters, name, exporter) {
		print_state(cli, name, !number(exporter, "dropped"), "exports", "loses");
		printf(", %" PRIu64 " connections, %" PRIu64 " delivered, %" PRIu64
		       " dropped, %" PRIu64 " errors\n", number(exporter, "connections"),
		       number(exporter, "delivered"), number(exporter, "dropped"),
		       number(exporter, "errors"));
	}
}

/* Those that name containers, pods and this host; of what is not on this host nothing. */
static void print_sources(struct cli *cli, const json_t *status)
{
	const json_t *source;
	char detail[TEXT_BYTES], name[TEXT_BYTES];
	size_t i;

	json_array_foreach(json_object_get(status, "sources"), i, source) {
		const char *state = json_string_value(json_object_get(source, "state"));
		bool is_good = state && strcmp(state, "ok") == 0;

		if (state && strcmp(state, "starting") == 0)
			continue;
		print_state(cli, text(source, "name", name), is_good, "gives names", "fails");
		if (!is_good)
			printf(": %s", text(source, "detail", detail));
		putchar('\n');
	}
}

static bool is_told(const char *name)
{
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		if (strcmp(told[i], name) == 0)
			return true;
	return false;
}

/* Only what has happened: most of them count trouble. */
static void print_counters(const json_t *status)
{
	json_t *value;
	const char *name;

	puts("counters that are not zero");
	json_object_foreach(json_object_get(status, "counters"), name, value)
		if (json_integer_value(value) && !is_told(name))
			printf("  %-24s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
}

static void print_status(struct cli *cli, const json_t *status)
{
	if (cli_has(cli, "json")) {
		(void)json_dumpf(status, stdout, JSON_COMPACT); /* cli_flush() sees it fail */
		putchar('\n');
		return;
	}
	print_agent(cli, status);
	print_probe(cli, status);
	print_connections(status);
	print_history(cli, status);
	print_exporters(cli, status);
	print_sources(cli, status);
	print_counters(status);
}

static int show(struct cli *cli, struct ipc *ipc)
{
	struct ipc_problem problem;
	json_t *status = ipc_ask(ipc, "/agent/status", NULL, false, &problem);
	bool is_ready;

	if (!status)
		return cli_fail(problem.exit_code, "%s", problem.text);
	is_ready = is_true(json_object_get(status, "health"), "is_ready");
	print_status(cli, status);
	json_decref(status);
	return cli_flush(is_ready ? CLI_DONE : CLI_UNHEALTHY);
}

int command_status(struct cli *cli)
{
	struct ipc_problem problem;
	struct ipc *ipc;
	int code = cli_enter(cli);

	if (code != CLI_DONE)
		return code;
	if (ipc_new(&cli->settings, &ipc, &problem) < 0)
		return cli_fail(problem.exit_code, "%s", problem.text);
	code = show(cli, ipc);
	ipc_free(ipc);
	return code;
}
