/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The running agent: everything that lives as long as the event loop, and the loop. */

struct agent;
struct agent_settings;
struct runtime_source;

/*
 * Make all parts and connect them. `settings` must outlive the agent, which changes
 * those that may change; they are read again from `source`. 0, or negative errno with
 * the reason logged.
 */
int agent_new(struct agent_settings *settings, const struct runtime_source *source,
	      struct agent **ret);

/* Runs until SIGINT, SIGTERM, or the end of an exporter's reader. 0 or negative errno. */
int agent_run(struct agent *agent);

/* Takes NULL. */
void agent_free(struct agent *agent);
