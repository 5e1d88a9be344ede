/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the probe says of itself: its status and its counters, asked for now and then
 * and kept as it came, for those who ask the agent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/curl_loop.h"

struct probe_status;

#define PROBE_STATUS_MAX_BYTES (256 * 1024)

/* `base` and `loop` must outlive it; the paths are copied. NULL: out of memory. */
struct probe_status *probe_status_new(struct event_base *base, struct curl_loop *loop,
				      const char *socket_path, const char *token_path);
void probe_status_free(struct probe_status *status);

/*
 * The last answers, NUL-terminated; NULL while the probe does not answer.
 * `metrics` is Prometheus text.
 */
const char *probe_status_json(const struct probe_status *status);
const char *probe_status_metrics(const struct probe_status *status);

/* Since the last answers came; UINT64_MAX: there are none. */
uint64_t probe_status_age_ns(const struct probe_status *status);
