/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Asks the agent's IPC API: TLS against the agent's own certificate file, with the
 * token from the auth-token file. One request at a time; each waits for its answer.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define IPC_MAX_BODY_BYTES (256 * 1024 * 1024)

struct agent_settings;
struct arguments;
struct ipc;

/*
 * What went wrong, with its remedy, in one line fit for a terminal; and the exit code
 * that says so (cli.h): 2 the agent does not accept the request, 3 it does not answer or
 * may not be asked, 1 anything else.
 */
struct ipc_problem {
	char text[512];
	int exit_code;
};

/* 0, or -1 with `problem`. `settings` must outlive the ipc. */
int ipc_new(const struct agent_settings *settings, struct ipc **ret,
	       struct ipc_problem *problem);
void ipc_free(struct ipc *ipc); /* takes NULL */

/* Of one request. The default is 10 seconds. */
void ipc_set_timeout(struct ipc *ipc, long timeout_ms);

/*
 * GET `path`, or POST when `body` is not NULL. A new reference, or NULL with `problem`.
 * `accept_503`: the answer of a health route is wanted either way.
 */
json_t *ipc_ask(struct ipc *ipc, const char *path, const json_t *body, bool accept_503,
		   struct ipc_problem *problem);

/*
 * GET `path` and write the body to `out` as it comes; counts its lines. A file that
 * takes no more ends it without being a problem. 0, or -1 with `problem`.
 */
int ipc_copy(struct ipc *ipc, const char *path, FILE *out, size_t *ret_lines,
		struct ipc_problem *problem);

/* "PATH?limit=...": the flags that are parameters of the API. Heap; NULL: out of memory. */
char *ipc_query(const char *path, const struct arguments *arguments);
