/* SPDX-License-Identifier: Apache-2.0 */
#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#define DEFAULT_CONFIG "/etc/sysprobe/system-probe.yaml"

static const char usage[] =
	"system-probe: the network connections of this host, served on a Unix socket\n"
	"\n"
	"  --config FILE      settings (default " DEFAULT_CONFIG ")\n"
	"  --help-settings    every setting with its type, range and default\n"
	"  --print-example    a settings file with every key at its default\n"
	"  --print-manual     the manual page of the settings file\n"
	"  --version\n"
	"\n"
	"Run as root; rights that are not needed are dropped before the first request.\n";

int arguments_parse(int argc, char **argv, struct arguments *ret_arguments)
{
	static const struct option table[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "help-settings", no_argument, NULL, 's' },
		{ "print-example", no_argument, NULL, 'e' },
		{ "print-manual", no_argument, NULL, 'm' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct arguments arguments = { DEFAULT_CONFIG, true, ARGUMENTS_RUN };
	int option;

	while ((option = getopt_long(argc, argv, "c:h", table, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments.config = optarg;
			arguments.is_config_default = false;
			break;
		case 's':
			arguments.action = ARGUMENTS_HELP_SETTINGS;
			break;
		case 'e':
			arguments.action = ARGUMENTS_PRINT_EXAMPLE;
			break;
		case 'm':
			arguments.action = ARGUMENTS_PRINT_MANUAL;
			break;
		case 'h':
		case 'v':
			fputs(option == 'h' ? usage : "system-probe " SYSPROBE_VERSION "\n", stdout);
			arguments.action = ARGUMENTS_DONE;
			break;
		default:
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "system-probe: unexpected argument %s; see --help\n", argv[optind]);
		return -EINVAL;
	}
	*ret_arguments = arguments;
	return 0;
}
