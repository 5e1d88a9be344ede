/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core-agent, the unprivileged process: reads connections from system-probe,
 * says whose they are, and hands them to exporters.
 */
#include "agent.h"
#include "arguments.h"
#include "auth_token.h"
#include "history/history.h"
#include "log.h"
#include "privileges.h"
#include "runtime.h"
#include "settings.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SYSPROBE_VERSION
#define SYSPROBE_VERSION "unknown"
#endif

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Records hold command lines: not for everyone. */
#define UMASK 0027

/* The command line wins over the environment by taking its place. */
static int override_settings(const struct arguments *arguments)
{
	if (arguments->exporters && setenv(AGENT_ENV_EXPORTERS, arguments->exporters, 1) < 0)
		return -errno;
	if (arguments->poll_interval &&
	    setenv(AGENT_ENV_POLL_INTERVAL, arguments->poll_interval, 1) < 0)
		return -errno;
	return 0;
}

static int load_settings(const struct arguments *arguments, struct agent_settings *settings)
{
	struct option_error error = {{0}};
	int r = override_settings(arguments);

	if (r == 0)
		r = options_load(agent_options, agent_options_n, settings, arguments->config,
				 arguments->is_config_default, &error);
	if (r < 0)
		fprintf(stderr, "core-agent: %s\n", *error.text ? error.text : strerror(-r));
	else
		log_set_level((enum log_level)settings->log_level);
	return r;
}

static int drop_privileges(const struct agent_settings *settings)
{
	int r = geteuid() == 0 ? privileges_switch_user(settings->user, "nobody") : 0;

	if (r == 0)
		r = privileges_keep_only(0);
	if (r == 0)
		r = privileges_lock();
	if (r < 0)
		log_error("cannot give up the rights of root; start as an ordinary user, or make "
			  "the user that sysprobe.user names",
			  "user=%s error=%s", settings->user, strerror(-r));
	return r;
}

static const char *token_remedy(int error)
{
	switch (-error) {
	case ENOENT:
		return "make its directory, owned by the agent's user";
	case EACCES:
	case EROFS:
		return "let the agent's user read it, and write its directory";
	case EPERM:
		return "let nobody but its owner write it";
	case EINVAL:
		return "remove the file; a new token is then written";
	default:
		return "check auth_token_file_path";
	}
}

static int make_token(const struct agent_settings *settings)
{
	int r = auth_token_create(settings->auth_token_file_path);

	if (r < 0)
		log_error("cannot make the auth token", "path=%s error=%s remedy=%s",
			  settings->auth_token_file_path, strerror(-r), token_remedy(r));
	return r;
}

/* A reader that goes away is an error of write(2); the loop takes SIGHUP when it runs. */
static void ignore_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for these two */
	(void)signal(SIGHUP, SIG_IGN);
}

static int run_agent(struct agent_settings *settings, const struct arguments *arguments)
{
	const struct runtime_source source = {arguments->config, arguments->is_config_default};
	struct agent *agent = NULL;
	int r = make_token(settings);

	if (r < 0)
		return r;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -EIO;
	r = agent_new(settings, &source, &agent);
	if (r == 0) {
		log_info("started", "version=%s socket=%s", SYSPROBE_VERSION,
			 settings->sysprobe_socket);
		r = agent_run(agent);
	}
	agent_free(agent);
	curl_global_cleanup();
	return r;
}

static int print_history(const struct agent_settings *settings, uint64_t limit)
{
	int r = history_print(settings->history_path, limit, stdout);

	return r == -EPIPE ? 0 : r; /* as `head` does: it has seen enough */
}

static int run_command(const struct arguments *arguments)
{
	struct agent_settings settings = {0};
	int r;

	if (load_settings(arguments, &settings) < 0)
		return EXIT_USAGE;
	ignore_signals();
	(void)umask(UMASK); /* always works */
	r = drop_privileges(&settings);
	if (r == 0 && arguments->command == COMMAND_HISTORY)
		r = print_history(&settings, arguments->limit);
	else if (r == 0)
		r = run_agent(&settings, arguments);
	options_free(agent_options, agent_options_n, &settings);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int flush_output(void)
{
	return fflush(stdout) == EOF ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct arguments arguments;

	if (arguments_parse(argc, argv, &arguments) < 0)
		return EXIT_USAGE;
	switch (arguments.command) {
	case COMMAND_HELP:
		arguments_print_help();
		return flush_output();
	case COMMAND_HELP_SETTINGS:
		options_print_help(agent_options, agent_options_n, stdout);
		return flush_output();
	case COMMAND_PRINT_EXAMPLE:
		options_print_example(agent_options, agent_options_n, "core-agent.yaml", stdout);
		return flush_output();
	case COMMAND_VERSION:
		puts("core-agent " SYSPROBE_VERSION);
		return flush_output();
	default:
		return run_command(&arguments);
	}
}
