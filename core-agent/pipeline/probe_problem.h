/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Why a request to the probe did not give a whole answer, counted by kind, and
 * said once for each kind until a request works again.
 */

#include <stdbool.h>
#include <stdint.h>

enum probe_problem {
	PROBE_OK,
	PROBE_NOT_RUNNING,   /* no socket, or nobody listens */
	PROBE_NO_ACCESS,     /* the socket's mode or group keeps us out */
	PROBE_TOKEN_MISSING, /* our file cannot be read */
	PROBE_TOKEN_REFUSED, /* 401 or 403 */
	PROBE_UNAVAILABLE,   /* 503, with the probe's own reason */
	PROBE_BAD_STATUS,    /* any other HTTP status than 200 */
	PROBE_BAD_HTTP,	     /* not HTTP at all, or broken */
	PROBE_TRUNCATED,     /* the answer ended too early */
	PROBE_TOO_LARGE,     /* over a limit of batch_stream.h */
	PROBE_GARBAGE,	     /* not what proto/sysprobe.proto says */
	PROBE_TIMEOUT,
	PROBE_NO_MEMORY,
	PROBE_STOPPED, /* the consumer of the batches asked for it: no problem */
	PROBE_N_PROBLEMS,
};

struct probe_problems {
	uint64_t n[PROBE_N_PROBLEMS];
	bool is_logged[PROBE_N_PROBLEMS];
};

/* A short name for counters: "token_refused". */
const char *probe_problem_name(enum probe_problem problem);

/* Count it, and log it with the remedy if it was not since the last success. */
void probe_problems_add(struct probe_problems *problems, enum probe_problem problem,
			const char *socket_path, const char *detail);

/* A request worked: log that if something had been logged. */
void probe_problems_recovered(struct probe_problems *problems, const char *socket_path);
