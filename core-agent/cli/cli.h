/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What main() calls: reads the command line and does what it says. */

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,	     /* said why on stderr; diagnose: something fails */
	CLI_USAGE = 2,	     /* wrong arguments or settings */
	CLI_UNREACHABLE = 3, /* no agent answers, or it may not be asked */
	CLI_UNHEALTHY = 4,   /* status: the agent runs, but no connections come in */
};

struct agent_settings;
struct runtime_source;

/* Runs the agent to its end, with the rights of its user. 0 or negative errno, logged. */
typedef int (*cli_run_agent)(struct agent_settings *settings, const struct runtime_source *source);

/* The exit code of the process. */
int cli_main(int argc, char **argv, cli_run_agent run_agent);
