/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How the probe is: its tier, hooks, counters, table sizes. 0 or -ENOMEM. */

struct evbuffer;
struct probe;

int status_write_json(struct probe *probe, struct evbuffer *out);
int status_write_prometheus(struct probe *probe, struct evbuffer *out);
