/* SPDX-License-Identifier: Apache-2.0 */
/* The command version: this program's is always known, the running ones where they answer. */
#include "cli_internal.h"

#include "ipc.h"

/* NULL: no agent answers. */
static json_t *ask_running(struct cli *cli, struct ipc_problem *problem)
{
	struct ipc *ipc;
	json_t *answer;

	if (ipc_new(&cli->settings, &ipc, problem) < 0)
		return NULL;
	answer = ipc_ask(ipc, "/agent/version", NULL, false, problem);
	ipc_free(ipc);
	return answer;
}

static const char *name_or(const json_t *answer, const char *name, const char *other)
{
	const char *text = json_string_value(json_object_get(answer, name));

	return text ? text : other;
}

static void print(struct cli *cli, const json_t *running)
{
	const char *agent = name_or(running, "version", NULL);
	const char *probe = name_or(running, "probe_version", NULL);
	json_t *all;

	if (!cli_has(cli, "json")) {
		printf("core-agent %s\nrunning core-agent: %s\nrunning system-probe: %s\n",
		       SYSPROBE_VERSION, agent ? agent : "-", probe ? probe : "-");
		return;
	}
	all = json_pack("{s:s, s:s?, s:s?}", "version", SYSPROBE_VERSION, "agent_version", agent,
			"probe_version", probe);
	(void)json_dumpf(all, stdout, JSON_COMPACT); /* cli_flush() sees it fail */
	putchar('\n');
	json_decref(all);
}

int command_version(struct cli *cli)
{
	struct ipc_problem problem;
	int code = cli_enter(cli);
	json_t *running;

	if (code != CLI_DONE)
		return code;
	running = ask_running(cli, &problem);
	print(cli, running);
	if (!running)
		fprintf(stderr, "core-agent: %s\n", problem.text);
	json_decref(running);
	return cli_flush(CLI_DONE);
}
