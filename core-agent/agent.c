/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include "api/api.h"
#include "enrich/enrich.h"
#include "exporters/exporters.h"
#include "history/history.h"
#include "http/curl_loop.h"
#include "log.h"
#include "pipeline/ingest.h"
#include "pipeline/poller.h"
#include "pipeline/probe_client.h"
#include "pipeline/probe_status.h"
#include "recent/recent.h"
#include "runtime.h"
#include "settings.h"
#include "tagging.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* At the end, for what an exporter is sending; an orchestrator allows 10 s and more. */
#define SENDING_TRIES 150
#define SENDING_TRY_MS 20

/* In the order of their making; each may use those above it. */
struct agent {
	struct event_base *base;
	struct event *on_int;
	struct event *on_term;
	struct history *history; /* NULL: could not be opened, state is in memory only */
	struct exporters *exporters;
	struct enricher *enricher;
	struct curl_loop *curl_loop;
	struct tagging *tagging;
	struct ingest *ingest;
	struct probe_client *client;
	struct poller *poller;
	struct recent *recent;
	struct probe_status *probe_status;
	struct runtime *runtime;
	struct api *api;
	struct event *on_hup;
	struct event *on_sending;
	unsigned int n_sending_tries;
};

/* Once nothing is on its way, or that has taken too long. */
static void on_sending(evutil_socket_t fd, short events, void *context)
{
	const struct timeval delay = {.tv_usec = SENDING_TRY_MS * 1000};
	struct agent *agent = context;

	(void)fd;
	(void)events;
	if (!exporters_are_sending(agent->exporters) || agent->n_sending_tries++ == SENDING_TRIES ||
	    event_add(agent->on_sending, &delay) < 0)
		(void)event_base_loopbreak(agent->base); /* fails for a NULL base only */
}

static void on_end(void *context)
{
	on_sending(-1, 0, context);
}

static void on_signal(evutil_socket_t signal, short events, void *context)
{
	struct agent *agent = context;

	(void)events;
	log_info("ending", "signal=%d", (int)signal);
	poller_stop(agent->poller);
}

static void stop(void *context)
{
	struct agent *agent = context;

	poller_stop(agent->poller);
}

static void on_hangup(evutil_socket_t signal, short events, void *context)
{
	struct agent *agent = context;
	struct runtime_changes changes;
	struct option_error error;

	(void)signal;
	(void)events;
	(void)runtime_reload(agent->runtime, &changes, &error); /* it has logged all */
}

/* A second SIGINT or SIGTERM ends the process at once: the handler goes after the first. */
static int watch_signals(struct agent *agent)
{
	agent->on_int = event_new(agent->base, SIGINT, EV_SIGNAL, on_signal, agent);
	agent->on_term = event_new(agent->base, SIGTERM, EV_SIGNAL, on_signal, agent);
	agent->on_hup = evsignal_new(agent->base, SIGHUP, on_hangup, agent);
	agent->on_sending = evtimer_new(agent->base, on_sending, agent);
	if (!agent->on_int || !agent->on_term || !agent->on_hup || !agent->on_sending ||
	    event_add(agent->on_int, NULL) < 0 || event_add(agent->on_term, NULL) < 0 ||
	    event_add(agent->on_hup, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static int make_ingest(struct agent *agent, const struct agent_settings *settings)
{
	agent->curl_loop = curl_loop_new(agent->base);
	if (!agent->curl_loop)
		return -ENOMEM;
	agent->tagging = tagging_new(settings, agent->base, agent->curl_loop);
	if (!agent->tagging)
		return -ENOMEM;
	agent->ingest = ingest_new(agent->enricher, tagging_tagger(agent->tagging),
				   agent->exporters, agent->history,
				   (size_t)settings->max_tracked_connections);
	return agent->ingest ? 0 : -ENOMEM;
}

static int make_client(struct agent *agent, const struct agent_settings *settings)
{
	agent->client = probe_client_new(agent->base, agent->curl_loop, settings->sysprobe_socket,
					 settings->auth_token_file_path);
	return agent->client ? 0 : -ENOMEM;
}

static int make_poller(struct agent *agent, const struct agent_settings *settings)
{
	const struct poller_settings poller_settings = {
		.poll_interval_ns = settings->poll_interval_ns,
		.drain_interval_ns = settings->drain_interval_ns,
		.socket_path = settings->sysprobe_socket,
	};

	agent->poller = poller_new(agent->base, &poller_settings, agent->client, agent->ingest,
				   agent->exporters, agent->enricher, agent->tagging, on_end,
				   agent);
	return agent->poller ? 0 : -ENOMEM;
}

static int make_api(struct agent *agent, const struct agent_settings *settings,
		    const struct runtime_source *source)
{
	const struct api_parts parts = {
		.settings = settings,
		.settings_path = source->is_path_default ? NULL : source->path,
		.poller = agent->poller,
		.ingest = agent->ingest,
		.enricher = agent->enricher,
		.tagging = agent->tagging,
		.exporters = agent->exporters,
		.history = agent->history,
		.recent = agent->recent,
		.probe_status = agent->probe_status,
		.runtime = agent->runtime,
		.stop = stop,
		.stop_context = agent,
	};

	agent->api = api_new(agent->base, &parts);
	return agent->api ? 0 : -ENOMEM;
}

/* What is for those who ask; nothing of it is there when both ports are off. */
static int make_answers(struct agent *agent, struct agent_settings *settings,
			const struct runtime_source *source)
{
	agent->runtime = runtime_new(settings, source, agent->poller, agent->exporters);
	if (!agent->runtime)
		return -ENOMEM;
	if (settings->cmd_port == 0 && settings->expvar_port == 0)
		return 0;
	agent->recent = recent_new(settings->cmd_port ? (size_t)settings->max_recent_connections
						      : 0);
	agent->probe_status =
		probe_status_new(agent->base, agent->curl_loop, settings->sysprobe_socket,
				 settings->auth_token_file_path);
	if (!agent->recent || !agent->probe_status)
		return -ENOMEM;
	if (settings->cmd_port)
		exporters_set_recent(agent->exporters, agent->recent);
	return make_api(agent, settings, source);
}

static int make_parts(struct agent *agent, struct agent_settings *settings,
		      const struct runtime_source *source)
{
	int r;

	agent->base = event_base_new();
	if (!agent->base)
		return -ENOMEM;
	/* On failure it stays NULL: the reason was logged, and it can be done without. */
	(void)history_open(settings->history_path, settings->history_max_records, &agent->history);
	r = exporters_new(settings, agent->base, agent->history, &agent->exporters);
	if (r < 0)
		return r;
	agent->enricher = enricher_new(settings->procfs_path, (size_t)settings->max_processes,
				       settings->infers_services);
	if (!agent->enricher)
		return -ENOMEM;
	r = make_ingest(agent, settings);
	if (r == 0)
		r = make_client(agent, settings);
	if (r == 0)
		r = make_poller(agent, settings);
	if (r == 0)
		r = make_answers(agent, settings, source);
	return r < 0 ? r : watch_signals(agent);
}

int agent_new(struct agent_settings *settings, const struct runtime_source *source,
	      struct agent **ret)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	int r = agent ? make_parts(agent, settings, source) : -ENOMEM;

	if (r == -ENOMEM)
		log_error("out of memory at start", NULL);
	if (r < 0)
		agent_free(agent);
	else
		*ret = agent;
	return r;
}

static void log_counters(const struct agent *agent)
{
	const struct ingest_stats *stats = ingest_get_stats(agent->ingest);

	log_info("ended",
		 "connections=%" PRIu64 " invalid=%" PRIu64 " duplicates=%" PRIu64
		 " left_out=%" PRIu64 " closed_lost=%" PRIu64 " process_events_lost=%" PRIu64
		 " probe_restarts=%" PRIu64 " aborted_intervals=%" PRIu64
		 " listeners_left_out=%" PRIu64 " ends_left_out=%" PRIu64,
		 stats->n_connections, stats->n_invalid, stats->n_duplicates, stats->n_left_out,
		 stats->n_closed_lost, stats->n_process_lost, stats->n_instances,
		 stats->n_aborted, stats->n_listeners_left_out, stats->n_ends_left_out);
	for (size_t i = 0; exporters_name(agent->exporters, i); i++) {
		const struct exporter_stats *exporter = exporters_stats(agent->exporters, i);

		log_info("exporter ended",
			 "name=%s connections=%" PRIu64 " delivered=%" PRIu64 " dropped=%" PRIu64
			 " errors=%" PRIu64,
			 exporters_name(agent->exporters, i), exporter->n_connections,
			 exporter->n_delivered, exporter->n_dropped, exporter->n_errors);
	}
}

int agent_run(struct agent *agent)
{
	int r = event_base_dispatch(agent->base);

	log_counters(agent);
	return r < 0 ? -EIO : 0;
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	api_free(agent->api);
	runtime_free(agent->runtime);
	probe_status_free(agent->probe_status);
	poller_free(agent->poller);
	probe_client_free(agent->client);
	ingest_free(agent->ingest);
	enricher_free(agent->enricher);
	exporters_free(agent->exporters);
	recent_free(agent->recent);
	tagging_free(agent->tagging);
	curl_loop_free(agent->curl_loop);
	history_close(agent->history);
	if (agent->on_int)
		event_free(agent->on_int);
	if (agent->on_term)
		event_free(agent->on_term);
	if (agent->on_hup)
		event_free(agent->on_hup);
	if (agent->on_sending)
		event_free(agent->on_sending);
	if (agent->base)
		event_base_free(agent->base);
	free(agent);
}
