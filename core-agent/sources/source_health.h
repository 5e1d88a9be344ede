/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How a source fares: counted, and logged once for each change of state. For `diagnose`,
 * the API and the metrics.
 */

#include <stdbool.h>
#include <stdint.h>

#define SOURCE_MAX_DETAIL 256

enum source_state {
	SOURCE_STARTING, /* not answered yet */
	SOURCE_OK,
	SOURCE_FAILING,
};

struct source_health {
	const char *name; /* static: of the source */
	enum source_state state;
	char detail[SOURCE_MAX_DETAIL]; /* when failing: why, and the remedy in a few words */
	uint64_t n_answers;
	uint64_t n_failures;
	uint64_t last_answer_ns; /* CLOCK_MONOTONIC; 0: never */
};

void source_health_init(struct source_health *health, const char *name);

/* It answered; logged when it had not (info). */
void source_health_answered(struct source_health *health);

/*
 * It did not, or not with what it should; logged when it did before, or never (warn). The
 * detail is printable text without secrets, cut to fit.
 */
void source_health_failed(struct source_health *health, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "starting", "ok", "failing" */
const char *source_state_name(enum source_state state);
