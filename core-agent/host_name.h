/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What this host is called, as far as the agent itself can tell: the setting, the node's
 * name that Kubernetes gives a pod, the kernel's, and the full one of that. What a cloud
 * says is its source's (sources/cloud). host_facts.h has the order.
 *
 * A task on Fargate has no host: there the kernel's name is not taken.
 */

struct agent_settings;
struct event_base;
struct host_facts;
struct host_name;

/* The arguments outlive it. NULL: out of memory. */
struct host_name *host_name_new(const struct agent_settings *settings, struct event_base *base,
				struct host_facts *facts);
void host_name_free(struct host_name *name); /* takes NULL */

/* Once an interval: a name that has become another is logged. */
void host_name_tick(struct host_name *name);
