/* SPDX-License-Identifier: Apache-2.0 */
/* The command config. */
#include "cli_internal.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "ipc.h"
#include "exporters/text.h"

static void print_text(const char *text)
{
	char shown[OPTION_MAX_STRING_BYTES];

	text_make_printable(text, sizeof(shown), shown, sizeof(shown));
	fputs(shown, stdout);
}

/* As it would stand in an environment variable. */
static void print_value(const json_t *value)
{
	CLEANUP_FREE char *dump = NULL;

	if (json_is_string(value)) {
		print_text(json_string_value(value));
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			fputs(i ? "," : "", stdout);
			print_text(json_string_value(json_array_get(value, i)));
		}
	} else if ((dump = json_dumps(value, JSON_ENCODE_ANY))) {
		fputs(dump, stdout);
	}
	putchar('\n');
}

/* Of those that may change at run time there are objects with more than the value. */
static void print_list(const json_t *settings, bool is_runtime)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)settings, key, value) {
		printf("%s: ", key);
		print_value(is_runtime ? json_object_get(value, "value") : value);
	}
}

static void print_names(const char *what, const json_t *names)
{
	printf("%s:", what);
	for (size_t i = 0; i < json_array_size(names); i++)
		printf(" %s", json_string_value(json_array_get(names, i)));
	puts(json_array_size(names) ? "" : " nothing");
}

/* "/agent/config/KEY"; heap, NULL: out of memory. */
static char *setting_path(const char *key)
{
	char *escaped = curl_easy_escape(NULL, key, 0);
	char *path = NULL;

	if (escaped && asprintf(&path, "/agent/config/%s", escaped) < 0)
		path = NULL;
	curl_free(escaped);
	return path;
}

static int get_list(struct cli *cli, struct ipc *ipc, struct ipc_problem *problem,
		    json_t **ret)
{
	bool is_runtime = cli_has(cli, "runtime");
	const char *path = is_runtime ? "/agent/config/list-runtime" : "/agent/config";

	*ret = ipc_ask(ipc, path, NULL, false, problem);
	if (*ret && !cli_has(cli, "json"))
		print_list(*ret, is_runtime);
	return *ret ? 0 : -1;
}

static int get_or_set(struct cli *cli, struct ipc *ipc, const char *value,
		      struct ipc_problem *problem, json_t **ret)
{
	CLEANUP_FREE char *path = setting_path(cli->arguments.words[1]);
	json_t *body = value ? json_pack("{s:s}", "value", value) : NULL;

	if (value && !body)
		(void)snprintf(problem->text, sizeof(problem->text), "the value is not UTF-8");
	if (path && (!value || body))
		*ret = ipc_ask(ipc, path, body, false, problem);
	json_decref(body);
	if (*ret && !cli_has(cli, "json"))
		print_value(json_object_get(*ret, "value"));
	return *ret ? 0 : -1;
}

static int reload(struct cli *cli, struct ipc *ipc, struct ipc_problem *problem,
		  json_t **ret)
{
	json_t *body = json_object();

	*ret = ipc_ask(ipc, "/agent/reload", body, false, problem);
	json_decref(body);
	if (*ret && !cli_has(cli, "json")) {
		print_names("changed", json_object_get(*ret, "changed"));
		print_names("changes with a restart only", json_object_get(*ret, "want_restart"));
	}
	return *ret ? 0 : -1;
}

static int act(struct cli *cli, struct ipc *ipc)
{
	struct ipc_problem problem = {.text = "out of memory", .exit_code = CLI_FAILED};
	const struct arguments *arguments = &cli->arguments;
	const char *word = arguments->words[0];
	json_t *answer = NULL;
	int r;

	if (strcmp(word, "list") == 0)
		r = get_list(cli, ipc, &problem, &answer);
	else if (strcmp(word, "reload") == 0)
		r = reload(cli, ipc, &problem, &answer);
	else
		r = get_or_set(cli, ipc, arguments->words[2], &problem, &answer);
	if (r < 0)
		return cli_fail(problem.exit_code, "%s", problem.text);
	if (cli_has(cli, "json")) {
		(void)json_dumpf(answer, stdout, JSON_COMPACT); /* cli_flush() sees it fail */
		putchar('\n');
	}
	json_decref(answer);
	return cli_flush(CLI_DONE);
}

/* How many words go with each. */
static bool is_complete(const struct arguments *arguments)
{
	static const struct {
		const char *word;
		size_t n_words;
	} forms[] = {{"list", 1}, {"reload", 1}, {"get", 2}, {"set", 3}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (strcmp(forms[i].word, arguments->words[0]) == 0)
			return arguments->n_words == forms[i].n_words;
	return false;
}

int command_config(struct cli *cli)
{
	struct ipc_problem problem;
	struct ipc *ipc;
	int code;

	if (!is_complete(&cli->arguments))
		return cli_fail(CLI_USAGE, "config is followed by %s",
				cli->arguments.command->synopsis);
	code = cli_enter(cli);
	if (code != CLI_DONE)
		return code;
	if (ipc_new(&cli->settings, &ipc, &problem) < 0)
		return cli_fail(problem.exit_code, "%s", problem.text);
	code = act(cli, ipc);
	ipc_free(ipc);
	return code;
}
