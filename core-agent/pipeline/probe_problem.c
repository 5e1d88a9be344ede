/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_problem.h"

#include "log.h"

#include <string.h>

struct kind {
	const char *name;
	const char *sentence;
	const char *remedy;
};

#define SAME_VERSION "run system-probe and core-agent of the same version"

static const struct kind kinds[PROBE_N_PROBLEMS] = {
	[PROBE_OK] = {"ok", "", ""},
	[PROBE_NOT_RUNNING] = {"not_running", "system-probe is not running",
			       "start system-probe, and give both the same sysprobe_socket"},
	[PROBE_NO_ACCESS] = {"no_access", "not allowed to open the socket of system-probe",
			     "run core-agent in the group that owns the socket (sysprobe)"},
	[PROBE_TOKEN_MISSING] = {"token_missing", "cannot read the auth token",
				 "let the agent's user, and no other, write auth_token_file_path"},
	[PROBE_TOKEN_REFUSED] = {"token_refused", "system-probe refuses the auth token",
				 "give both processes the same auth_token_file_path"},
	[PROBE_UNAVAILABLE] = {"unavailable", "system-probe cannot give connections",
			       "see the log of system-probe"},
	[PROBE_BAD_STATUS] = {"bad_status", "system-probe gave an unexpected answer", SAME_VERSION},
	[PROBE_BAD_HTTP] = {"bad_http", "the answer of system-probe is not valid HTTP",
			    "check what listens on the socket"},
	[PROBE_TRUNCATED] = {"truncated", "the answer of system-probe was cut short",
			     "see the log of system-probe"},
	[PROBE_TOO_LARGE] = {"too_large", "the answer of system-probe is over the limits",
			     SAME_VERSION},
	[PROBE_GARBAGE] = {"garbage", "cannot decode the answer of system-probe", SAME_VERSION},
	[PROBE_TIMEOUT] = {"timeout", "system-probe did not answer in time",
			   "see whether the host is overloaded, and the log of system-probe"},
	[PROBE_NO_MEMORY] = {"no_memory", "out of memory while asking system-probe",
			     "raise the memory limit of core-agent"},
	[PROBE_STOPPED] = {"stopped", "", ""},
};

const char *probe_problem_name(enum probe_problem problem)
{
	return kinds[problem].name;
}

void probe_problems_add(struct probe_problems *problems, enum probe_problem problem,
			const char *socket_path, const char *detail)
{
	problems->n[problem]++;
	if (problems->is_logged[problem])
		return;
	problems->is_logged[problem] = true;
	log_warn(kinds[problem].sentence, "socket=%s reason=%s remedy=%s", socket_path, detail,
		 kinds[problem].remedy);
}

void probe_problems_recovered(struct probe_problems *problems, const char *socket_path)
{
	bool has_any = false;

	for (size_t i = 0; i < PROBE_N_PROBLEMS; i++)
		has_any |= problems->is_logged[i];
	memset(problems->is_logged, 0, sizeof(problems->is_logged));
	if (has_any)
		log_info("system-probe answers again", "socket=%s", socket_path);
}
