/* SPDX-License-Identifier: Apache-2.0 */
/* The command diagnose. */
#include "diagnose.h"

#include "cli_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "cleanup.h"
#include "exporters/text.h"

static void check_socket_found(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	*ret = diagnosis->socket;
}

/* In the order in which one would look. */
static const struct {
	const char *name;
	diagnose_check check;
} checks[] = {
	{"settings", check_settings},
	{"agent", check_agent},
	{"socket", check_socket_found},
	{"token", check_token},
	{"kernel", check_kernel},
	{"btf", check_btf},
	{"capabilities", check_capabilities},
	{"lsm", check_lsm},
	{"hooks", check_hooks},
	{"mounts", check_mounts},
	{"cgroup", check_cgroup},
	{"conntrack", check_conntrack},
	{"runtimes", check_runtimes},
	{"kubelet", check_kubelet},
	{"hostname", check_host_name},
	{"names", check_sources},
	{"upstream", check_upstream},
	{"clock", check_clock},
};

static void set(struct diagnose_finding *ret, enum diagnose_result result, const char *format,
		va_list list)
{
	char text[2 * DIAGNOSE_TEXT_BYTES];
	char *remedy;

	(void)vsnprintf(text, sizeof(text), format, list); /* cut: for the eye */
	remedy = strchr(text, '\n');
	if (remedy)
		*remedy++ = '\0';
	ret->result = result;
	text_make_printable(text, DIAGNOSE_TEXT_BYTES, ret->text, DIAGNOSE_TEXT_BYTES);
	text_make_printable(remedy ? remedy : "", DIAGNOSE_TEXT_BYTES, ret->remedy,
			    DIAGNOSE_TEXT_BYTES);
}

void diagnose_pass(struct diagnose_finding *ret, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	set(ret, DIAGNOSE_PASS, format, list);
	va_end(list);
}

void diagnose_warn(struct diagnose_finding *ret, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	set(ret, DIAGNOSE_WARNING, format, list);
	va_end(list);
}

void diagnose_fail(struct diagnose_finding *ret, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	set(ret, DIAGNOSE_FAIL, format, list);
	va_end(list);
}

/* What the kernel would still grant: the bounding set, before it is cleared. */
static uint64_t read_bounding(void)
{
	CLEANUP_FCLOSE FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	uint64_t set;

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "CapBnd: %" SCNx64, &set) == 1)
			return set;
	return 0;
}

static void print_json(const char *name, const struct diagnose_finding *finding, FILE *out)
{
	static const char *const results[] = {"pass", "warning", "fail"};
	json_t *object = json_pack("{s:s, s:s, s:s, s:s*}", "check", name, "result",
				   results[finding->result], "text", finding->text, "remedy",
				   *finding->remedy ? finding->remedy : NULL);

	(void)json_dumpf(object, out, JSON_COMPACT); /* cli_flush() sees it fail */
	fputc('\n', out);
	(void)fflush(out); /* some take seconds */
	json_decref(object);
}

static void print_text(struct cli *cli, const char *name, const struct diagnose_finding *finding)
{
	static const struct {
		const char *word, *style;
	} results[] = {{"pass", STYLE_GREEN}, {"warning", STYLE_YELLOW}, {"FAIL", STYLE_RED}};

	printf("%s%-7s%s  %-12s  %s\n", cli_style(cli, results[finding->result].style),
	       results[finding->result].word, cli_style(cli, STYLE_OFF), name, finding->text);
	if (*finding->remedy)
		printf("%23s-> %s\n", "", finding->remedy);
	(void)fflush(stdout); /* some take seconds; cli_flush() sees it fail */
}

/* `json` NULL: as text on stdout. */
static int run_checks(struct cli *cli, const struct diagnosis *diagnosis, FILE *json)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		struct diagnose_finding finding = {.result = DIAGNOSE_FAIL};

		checks[i].check(diagnosis, &finding);
		if (json)
			print_json(checks[i].name, &finding, json);
		else
			print_text(cli, checks[i].name, &finding);
		if (finding.result == DIAGNOSE_FAIL)
			code = CLI_FAILED;
	}
	return code;
}

int diagnose_write(struct cli *cli, const char *error, FILE *out)
{
	struct diagnosis diagnosis = {.settings = &cli->settings, .root = "",
				      .bounding = read_bounding(), .settings_error = error};
	int code;

	check_socket(&diagnosis);
	code = run_checks(cli, &diagnosis, out);
	json_decref(diagnosis.probe_status);
	return code;
}

int command_diagnose(struct cli *cli)
{
	struct option_error error = {{0}}, ignored;
	struct diagnosis diagnosis = {.settings = &cli->settings, .root = "",
				      .bounding = read_bounding()};
	int code = cli_load(cli, &error);

	if (code != CLI_DONE) {
		diagnosis.settings_error = error.text;
		if (options_load_bytes(agent_options, agent_options_n, &cli->settings, "", "", 0,
				       &ignored) < 0)
			return cli_fail(CLI_FAILED, "%s", ignored.text);
	}
	code = cli_drop(cli);
	if (code != CLI_DONE)
		return code;
	check_socket(&diagnosis);
	code = run_checks(cli, &diagnosis, cli_has(cli, "json") ? stdout : NULL);
	json_decref(diagnosis.probe_status);
	return cli_flush(code);
}
