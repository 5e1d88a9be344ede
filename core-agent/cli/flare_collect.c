/* SPDX-License-Identifier: Apache-2.0 */
#include "flare_collect.h"

#include "cli_internal.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth_token.h"
#include "cleanup.h"
#include "diagnose.h"
#include "ipc.h"
#include "scrub.h"

#define TIMEOUT_MS 5000L
#define MAX_FILE_BYTES (1024 * 1024)
#define PROBE_CONFIG "/etc/sysprobe/system-probe.yaml"

/* All but the command line, in which anything may stand. */
#define FIELDS                                                                                  \
	"time,id,probe_instance,state,error,proto,family,direction,role,local_ip,local_port,"  \
	"remote_ip,remote_port,netns,pid,comm,exe,user,container_id,container_runtime,pod_uid," \
	"systemd_unit,service,service_source,env,version,bytes_sent,bytes_received,"            \
	"packets_sent,packets_received,retransmits,rtt_us,rtt_var_us,connect_us,duration_ms"

static const struct {
	const char *name, *path, *what;
} questions[] = {
	{"status.json", "/agent/status", "state and counters of core-agent and system-probe"},
	{"version.json", "/agent/version", "versions of both"},
	{"config.json", "/agent/config", "settings in use"},
	{"core-agent.log", "/agent/logs", "the last log lines of core-agent"},
	{"connections.jsonl", "/agent/connections?format=jsonl&limit=1000&fields=" FIELDS,
	 "the 1000 busiest connections, without command lines"},
	{"failed.jsonl", "/agent/connections?format=jsonl&limit=1000&state=failed&sort=time&fields="
	 FIELDS, "the 1000 newest failed connections, without command lines"},
};

struct collector {
	struct cli *cli;
	struct flare *flare;
	struct scrub *scrub;
	char *problems;
	size_t problems_size;
	FILE *problems_out;
};

/* A member being written. */
struct draft {
	char *text;
	size_t size;
	FILE *out;
};

static int draft_open(struct draft *draft)
{
	*draft = (struct draft){0};
	draft->out = open_memstream(&draft->text, &draft->size);
	return draft->out ? 0 : -ENOMEM;
}

/* Frees the draft in any case; `is_good`: it becomes a member. */
static int draft_close(struct collector *collector, struct draft *draft, bool is_good,
		       const char *name, const char *what)
{
	struct flare *flare = collector->flare;
	char *text = NULL;
	bool is_written = fclose(draft->out) == 0;

	if (is_good && is_written)
		text = scrub_text(collector->scrub, draft->text, &flare->n_hidden);
	free(draft->text);
	if (!is_good)
		return 0;
	if (!text || flare->n == FLARE_MAX_MEMBERS) {
		free(text);
		return -ENOMEM;
	}
	flare->members[flare->n++] = (struct flare_member){name, what, text, strlen(text)};
	return 0;
}

static int ask(struct collector *collector, struct ipc *ipc, size_t question)
{
	const char *name = questions[question].name;
	struct ipc_problem problem;
	struct draft draft;
	size_t n_lines;
	int r = draft_open(&draft);
	bool is_good;

	if (r < 0)
		return r;
	is_good = ipc_copy(ipc, questions[question].path, draft.out, &n_lines, &problem) == 0;
	if (!is_good)
		fprintf(collector->problems_out, "%s: %s\n", name, problem.text);
	return draft_close(collector, &draft, is_good, name, questions[question].what);
}

static int ask_agent(struct collector *collector)
{
	struct ipc_problem problem;
	struct ipc *ipc;
	int r = 0;

	if (ipc_new(&collector->cli->settings, &ipc, &problem) < 0) {
		fprintf(collector->problems_out, "%s\n", problem.text);
		return 0;
	}
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions) && r == 0; i++)
		r = ask(collector, ipc, i);
	ipc_free(ipc);
	return r;
}

static int take_metrics(struct collector *collector)
{
	struct draft draft;
	char url[64];
	CURLcode result = CURLE_OUT_OF_MEMORY;
	CURL *easy = curl_easy_init();
	int r = draft_open(&draft);

	if (r == 0 && easy) {
		(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/metrics",
			       (int)collector->cli->settings.expvar_port); /* fits */
		curl_easy_setopt(easy, CURLOPT_URL, url);
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, draft.out); /* by fwrite(3) */
		result = curl_easy_perform(easy);
	}
	curl_easy_cleanup(easy);
	if (result != CURLE_OK)
		fprintf(collector->problems_out, "metrics.txt: %s\n", curl_easy_strerror(result));
	if (r < 0)
		return r;
	return draft_close(collector, &draft, result == CURLE_OK, "metrics.txt",
			   "counters of both processes");
}

static int take_file(struct collector *collector, const char *name, const char *path,
		     const char *what)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	char bytes[4096];
	struct draft draft;
	size_t n, total = 0;
	int r;

	if (!file) {
		fprintf(collector->problems_out, "%s: %s\n", path, strerror(errno));
		return 0;
	}
	r = draft_open(&draft);
	if (r < 0)
		return r;
	while (total < MAX_FILE_BYTES && (n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		(void)fwrite(bytes, 1, n, draft.out); /* fclose() sees it fail */
		total += n;
	}
	return draft_close(collector, &draft, true, name, what);
}

static int take_diagnosis(struct collector *collector, const char *settings_error)
{
	struct draft draft;
	int r = draft_open(&draft);

	if (r < 0)
		return r;
	(void)diagnose_write(collector->cli, settings_error, draft.out); /* it stands in the text */
	return draft_close(collector, &draft, true, "diagnose.jsonl", "what core-agent diagnose says");
}

static int take_problems(struct collector *collector)
{
	struct draft draft;
	int r = draft_open(&draft);

	if (r < 0)
		return r;
	fprintf(draft.out, "made by core-agent %s\n"
			   "system-probe logs to stderr alone: journalctl -u system-probe, or "
			   "kubectl logs\n", SYSPROBE_VERSION);
	if (fflush(collector->problems_out) == 0 && collector->problems)
		fputs(collector->problems, draft.out);
	return draft_close(collector, &draft, true, "problems.txt", "what could not be collected");
}

static struct scrub *make_scrub(const struct agent_settings *settings)
{
	struct auth_token *token = auth_token_new(settings->auth_token_file_path);
	const char *known[3] = {settings->api_key};
	struct scrub *scrub;

	if (token && auth_token_refresh(token) == 0)
		known[1] = auth_token_get(token);
	scrub = scrub_new(known);
	auth_token_free(token);
	return scrub;
}

static int collect(struct collector *collector, const char *settings_error)
{
	struct cli *cli = collector->cli;
	int r = ask_agent(collector);

	if (r == 0 && cli->settings.expvar_port > 0)
		r = take_metrics(collector);
	if (r == 0)
		r = take_diagnosis(collector, settings_error);
	if (r == 0)
		r = take_file(collector, "core-agent.yaml", cli->config, "the settings file");
	if (r == 0)
		r = take_file(collector, "system-probe.yaml", PROBE_CONFIG, "the probe's settings file");
	return r == 0 ? take_problems(collector) : r;
}

int flare_collect(struct cli *cli, const char *settings_error, struct flare *flare)
{
	struct collector collector = {.cli = cli, .flare = flare,
				      .scrub = make_scrub(&cli->settings)};
	int r = -ENOMEM;

	collector.problems_out = open_memstream(&collector.problems, &collector.problems_size);
	if (collector.scrub && collector.problems_out)
		r = collect(&collector, settings_error);
	if (collector.problems_out)
		(void)fclose(collector.problems_out); /* its text was taken before */
	free(collector.problems);
	scrub_free(collector.scrub);
	return r;
}

void flare_deinit(struct flare *flare)
{
	for (size_t i = 0; i < flare->n; i++)
		free(flare->members[i].text);
	flare->n = 0;
}
