/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

enum arguments_action {
	ARGUMENTS_RUN,
	ARGUMENTS_HELP_SETTINGS,
	ARGUMENTS_PRINT_EXAMPLE,
	ARGUMENTS_PRINT_MANUAL,
	ARGUMENTS_DONE, /* --help and --version were answered */
};

struct arguments {
	const char *config; /* borrowed from argv, or the default */
	bool is_config_default;
	enum arguments_action action;
};

/* 0, or -EINVAL after one line on stderr. */
int arguments_parse(int argc, char **argv, struct arguments *ret_arguments);
