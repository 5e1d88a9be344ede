/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the files of this folder only. */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "arguments.h"
#include "cli.h"
#include "settings.h"


struct cli {
	struct arguments arguments;
	struct agent_settings settings; /* once cli_enter() succeeded */
	const char *config;
	bool is_config_default;
	bool has_colour; /* stdout is a terminal, and NO_COLOR is not set */
	cli_run_agent run_agent;
};

extern const struct command cli_commands[]; /* ends with a row without name */

/* One line on stderr. Returns `code`. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads the settings into cli->settings. CLI_DONE, or CLI_USAGE with `error`. */
int cli_load(struct cli *cli, struct option_error *error);

/* Becomes the agent's user and gives up what else root has. CLI_DONE, or an exit code. */
int cli_drop(struct cli *cli);

/* Both; what is wrong is said. */
int cli_enter(struct cli *cli);

bool cli_has(const struct cli *cli, const char *flag);

/* Ends `code`'s way out: what stdout could not take is an error, but a closed pipe is none. */
int cli_flush(int code);

/* Starts `mode` with its escape sequence where colours are wanted, else nothing. */
const char *cli_style(const struct cli *cli, const char *sequence);
#define STYLE_BOLD "\033[1m"
#define STYLE_RED "\033[31m"
#define STYLE_GREEN "\033[32m"
#define STYLE_YELLOW "\033[33m"
#define STYLE_OFF "\033[0m"

int command_run(struct cli *cli);
int command_history(struct cli *cli);
int command_version(struct cli *cli);
int command_status(struct cli *cli);
int command_connections(struct cli *cli);
int command_top(struct cli *cli);
int command_topology(struct cli *cli);
int command_diagnose(struct cli *cli);
int command_config(struct cli *cli);
int command_flare(struct cli *cli);
int command_completion(struct cli *cli);
