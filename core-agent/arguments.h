/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line. */

#include <stdbool.h>
#include <stdint.h>

#define ARGUMENTS_DEFAULT_CONFIG "/etc/sysprobe/core-agent.yaml"

enum command {
	COMMAND_RUN,
	COMMAND_HISTORY,
	COMMAND_HELP,
	COMMAND_HELP_SETTINGS,
	COMMAND_PRINT_EXAMPLE,
	COMMAND_VERSION,
};

struct arguments {
	enum command command;
	const char *config;
	bool is_config_default;
	const char *exporters; /* NULL: as the settings say */
	const char *poll_interval;
	uint64_t limit; /* of history; 0: all */
};

/* 0, or -EINVAL with one line written to stderr. Strings are borrowed from `argv`. */
int arguments_parse(int argc, char **argv, struct arguments *ret);

/* --help */
void arguments_print_help(void);
