/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The running agent: everything that lives as long as the event loop, and the loop. */

struct agent;
struct agent_settings;

/*
 * Make all parts and connect them. `settings` must outlive the agent. 0, or
 * negative errno with the reason logged.
 */
int agent_new(const struct agent_settings *settings, struct agent **ret);

/* Runs until SIGINT, SIGTERM, or the end of an exporter's reader. 0 or negative errno. */
int agent_run(struct agent *agent);

/* Takes NULL. */
void agent_free(struct agent *agent);
