/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core-agent, the unprivileged process: reads connections from system-probe,
 * says whose they are, and hands them to exporters.
 */
#include "agent.h"
#include "auth_token.h"
#include "cli/cli.h"
#include "log.h"
#include "runtime.h"
#include "settings.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

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

static int run_agent(struct agent_settings *settings, const struct runtime_source *source)
{
	struct agent *agent = NULL;
	int r = make_token(settings);

	if (r < 0)
		return r;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -EIO;
	r = agent_new(settings, source, &agent);
	if (r == 0) {
		log_info("started", "version=%s socket=%s", SYSPROBE_VERSION,
			 settings->sysprobe_socket);
		r = agent_run(agent);
	}
	agent_free(agent);
	curl_global_cleanup();
	return r;
}

int main(int argc, char **argv)
{
	return cli_main(argc, argv, run_agent);
}
