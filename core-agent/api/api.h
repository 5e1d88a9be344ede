/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the agent answers: the IPC API (TLS, auth token) and the variables (plain,
 * loopback only), on the agent's own loop.
 */

#include <stdbool.h>
#include <stdint.h>

struct agent_settings;
struct api;
struct enricher;
struct event_base;
struct exporters;
struct history;
struct ingest;
struct poller;
struct probe_status;
struct recent;
struct runtime;
struct tagging;

/* All of them, but `history` and `settings_path`, which may be NULL, are there and outlive the API. */
struct api_parts {
	const struct agent_settings *settings; /* those in use */
	const char *settings_path; /* NULL: where every command looks by itself */
	struct poller *poller;
	struct ingest *ingest;
	struct enricher *enricher;
	struct tagging *tagging;
	struct exporters *exporters;
	struct history *history;
	struct recent *recent;
	struct probe_status *probe_status;
	struct runtime *runtime;
	void (*stop)(void *context); /* end the agent */
	void *stop_context;
};

/*
 * A server that cannot listen is logged with its remedy and left out: the agent's main
 * work goes on. NULL: out of memory.
 */
struct api *api_new(struct event_base *base, const struct api_parts *parts);
void api_free(struct api *api); /* takes NULL */
