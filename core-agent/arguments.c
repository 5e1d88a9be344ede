/* SPDX-License-Identifier: Apache-2.0 */
#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: core-agent [run] [OPTION]...\n"
	"       core-agent history [--limit N] [--config FILE]\n"
	"\n"
	"Reads connections from system-probe and hands them to the exporters.\n"
	"history prints the stored records, one JSON object a line, oldest first.\n"
	"\n"
	"  --config FILE        settings (default " ARGUMENTS_DEFAULT_CONFIG ")\n"
	"  --exporters LIST     any of local, jsonl, table, intake, separated by commas\n"
	"  --poll-interval D    time between two reports: 30s, 500ms, 5m\n"
	"  --limit N            history: the newest N records only\n"
	"  --help-settings      every key of the settings file\n"
	"  --print-example      an example of the settings file\n"
	"  --help, --version\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong arguments or settings.\n";

enum { OPT_CONFIG = 256, OPT_EXPORTERS, OPT_POLL_INTERVAL, OPT_LIMIT, OPT_COMMAND };

/* Options that are commands of their own count from OPT_COMMAND. */
static const struct option options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"exporters", required_argument, NULL, OPT_EXPORTERS},
	{"poll-interval", required_argument, NULL, OPT_POLL_INTERVAL},
	{"limit", required_argument, NULL, OPT_LIMIT},
	{"help", no_argument, NULL, OPT_COMMAND + COMMAND_HELP},
	{"help-settings", no_argument, NULL, OPT_COMMAND + COMMAND_HELP_SETTINGS},
	{"print-example", no_argument, NULL, OPT_COMMAND + COMMAND_PRINT_EXAMPLE},
	{"version", no_argument, NULL, OPT_COMMAND + COMMAND_VERSION},
	{0},
};

static int fail(const char *what, const char *value)
{
	fprintf(stderr, "core-agent: %s: %s; see core-agent --help\n", what, value);
	return -EINVAL;
}

static int parse_limit(const char *text, uint64_t *ret)
{
	char *rest;
	uintmax_t value;

	errno = 0;
	value = strtoumax(text, &rest, 10);
	if (*text < '0' || *text > '9' || *rest || errno || value == 0 || value > INT64_MAX)
		return fail("--limit takes a whole number from 1", text);
	*ret = value;
	return 0;
}

static int take_option(int option, struct arguments *arguments)
{
	switch (option) {
	case OPT_CONFIG:
		arguments->config = optarg;
		arguments->is_config_default = false;
		return 0;
	case OPT_EXPORTERS:
		arguments->exporters = optarg;
		return 0;
	case OPT_POLL_INTERVAL:
		arguments->poll_interval = optarg;
		return 0;
	case OPT_LIMIT:
		return parse_limit(optarg, &arguments->limit);
	default:
		if (option < OPT_COMMAND) /* getopt has said what is wrong */
			return -EINVAL;
		arguments->command = (enum command)(option - OPT_COMMAND);
		return 0;
	}
}

static int take_command(const char *word, struct arguments *arguments)
{
	if (strcmp(word, "history") == 0)
		arguments->command = COMMAND_HISTORY;
	else if (strcmp(word, "run") != 0)
		return fail("there is no such command", word);
	return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *ret)
{
	struct arguments arguments = {.config = ARGUMENTS_DEFAULT_CONFIG,
				      .is_config_default = true};
	int option, r = 0;

	while (r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		r = take_option(option, &arguments);
	if (r == 0 && optind < argc && arguments.command == COMMAND_RUN)
		r = take_command(argv[optind++], &arguments);
	if (r == 0 && optind < argc)
		r = fail("too many arguments", argv[optind]);
	if (r == 0 && arguments.limit && arguments.command != COMMAND_HISTORY)
		r = fail("--limit is for", "history");
	if (r == 0)
		*ret = arguments;
	return r;
}

void arguments_print_help(void)
{
	fputs(help, stdout);
}
