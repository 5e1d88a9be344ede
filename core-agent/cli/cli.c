/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "help.h"
#include "history/history.h"
#include "log.h"
#include "privileges.h"
#include "runtime.h"

/* Records hold command lines: not for everyone. */
#define UMASK 0027

int cli_fail(int code, const char *format, ...)
{
	va_list list;

	fputs("core-agent: ", stderr);
	va_start(list, format);
	(void)vfprintf(stderr, format, list); /* nowhere to say that stderr is closed */
	va_end(list);
	fputc('\n', stderr);
	return code;
}

bool cli_has(const struct cli *cli, const char *flag)
{
	return arguments_get(&cli->arguments, flag) != NULL;
}

const char *cli_style(const struct cli *cli, const char *sequence)
{
	return cli->has_colour ? sequence : "";
}

/* As `head` does when it has seen enough. */
static bool is_reader_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

int cli_flush(int code)
{
	bool is_failed_before = ferror(stdout); /* then errno is long another */
	bool is_failed_now = fflush(stdout) == EOF;
	const char *reason = is_failed_now ? strerror(errno) : "not all could be written";

	if ((!is_failed_before && !is_failed_now) || is_reader_gone())
		return code;
	return cli_fail(CLI_FAILED, "cannot write: %s", reason);
}

/* The command line wins over the environment by taking its place. */
static int override_settings(const struct arguments *arguments)
{
	const char *exporters = arguments_get(arguments, "exporters");
	const char *poll_interval = arguments_get(arguments, "poll-interval");

	if (exporters && setenv(AGENT_ENV_EXPORTERS, exporters, 1) < 0)
		return -errno;
	if (poll_interval && setenv(AGENT_ENV_POLL_INTERVAL, poll_interval, 1) < 0)
		return -errno;
	return 0;
}

int cli_load(struct cli *cli, struct option_error *error)
{
	int r = override_settings(&cli->arguments);

	if (r == 0)
		r = options_load(agent_options, agent_options_n, &cli->settings, cli->config,
				 cli->is_config_default, error);
	if (r == 0)
		log_set_level((enum log_level)cli->settings.log_level);
	else if (!*error->text)
		(void)snprintf(error->text, sizeof(error->text), "%s", strerror(-r));
	return r < 0 ? CLI_USAGE : CLI_DONE;
}

int cli_drop(struct cli *cli)
{
	const char *user = cli->settings.user;
	int r = geteuid() == 0 ? privileges_switch_user(user, "nobody") : 0;

	if (r == 0)
		r = privileges_keep_only(0);
	if (r == 0)
		r = privileges_lock();
	if (r < 0)
		log_error("cannot give up the rights of root; start as an ordinary user, or make "
			  "the user that sysprobe.user names",
			  "user=%s error=%s", user, strerror(-r));
	return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cli_enter(struct cli *cli)
{
	struct option_error error = {{0}};

	if (cli_load(cli, &error) != CLI_DONE)
		return cli_fail(CLI_USAGE, "%s", error.text);
	return cli_drop(cli);
}

static int print_and_flush(void (*print)(const struct option *table, size_t n, FILE *out))
{
	print(agent_options, agent_options_n, stdout);
	return cli_flush(CLI_DONE);
}

static void print_example(const struct option *table, size_t n, FILE *out)
{
	options_print_example(table, n, "core-agent.yaml", out);
}

static void print_manual(const struct option *table, size_t n, FILE *out)
{
	options_print_manual(table, n, "core-agent", out);
}

int command_run(struct cli *cli)
{
	const struct runtime_source source = {cli->config, cli->is_config_default};
	int code;

	if (cli_has(cli, "help-settings"))
		return print_and_flush(options_print_help);
	if (cli_has(cli, "print-example"))
		return print_and_flush(print_example);
	if (cli_has(cli, "print-manual"))
		return print_and_flush(print_manual);
	if (cli_has(cli, "version")) {
		puts("core-agent " SYSPROBE_VERSION);
		return cli_flush(CLI_DONE);
	}
	code = cli_enter(cli);
	if (code != CLI_DONE)
		return code;
	return cli->run_agent(&cli->settings, &source) < 0 ? CLI_FAILED : CLI_DONE;
}

int command_history(struct cli *cli)
{
	size_t limit = 0;
	int code, r;

	if (arguments_get_number(&cli->arguments, "limit", INT64_MAX, &limit) < 0)
		return cli_fail(CLI_USAGE, "--limit takes a whole number from 1");
	code = cli_enter(cli);
	if (code != CLI_DONE)
		return code;
	r = history_print(cli->settings.history_path, limit, stdout);
	return r < 0 && r != -EPIPE ? CLI_FAILED : CLI_DONE; /* as `head` does: it has seen enough */
}

/* https://no-color.org: set and not empty. */
static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!no_colour || !*no_colour) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

static int help(const struct arguments *arguments)
{
	if (arguments->command == cli_commands && arguments->n_given == 1)
		help_print(cli_commands, stdout);
	else
		help_print_command(arguments->command, stdout);
	return cli_flush(CLI_DONE);
}

/* A reader that goes away is an error of write(2); the loop takes SIGHUP when it runs. */
static void ignore_signals(const struct command *command)
{
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for these two */
	if (command == cli_commands)
		(void)signal(SIGHUP, SIG_IGN);
}

int cli_main(int argc, char **argv, cli_run_agent run_agent)
{
	struct cli cli = {.run_agent = run_agent, .has_colour = wants_colour()};
	struct arguments_error error;
	const char *config;
	int code;

	if (arguments_parse(cli_commands, argc, argv, &cli.arguments, &error) < 0)
		return cli_fail(CLI_USAGE, "%s", error.text);
	ignore_signals(cli.arguments.command);
	if (cli_has(&cli, "help"))
		return help(&cli.arguments);
	config = arguments_get(&cli.arguments, "config");
	cli.config = config ? config : ARGUMENTS_DEFAULT_CONFIG;
	cli.is_config_default = !config;
	(void)umask(UMASK); /* always works */
	code = cli.arguments.command->run(&cli);
	options_free(agent_options, agent_options_n, &cli.settings);
	return code;
}
