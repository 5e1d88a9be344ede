/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Requests to system-probe over its Unix socket, one at a time, each answered by
 * a stream of batches that are handed on as they come.
 */

#include <stdint.h>

#include "batch_stream.h"
#include "http/curl_loop.h"
#include "probe_problem.h"

struct probe_client;

/* `detail` is text for a log line, valid during the call. */
typedef void (*probe_client_done)(enum probe_problem problem, const char *detail, void *context);

/*
 * `base` and `loop` must outlive the client; the paths are copied. The token file is looked
 * at again before each request. NULL: out of memory.
 */
struct probe_client *probe_client_new(struct event_base *base, struct curl_loop *loop,
				      const char *socket_path, const char *token_path);

/* Ends a request without calling its `on_done`. Takes NULL. */
void probe_client_free(struct probe_client *client);

/*
 * GET `path`, with "?from=`from`" unless that is 0. `on_batch` sees each batch;
 * when it returns a negative value the request ends as PROBE_STOPPED. `on_done`
 * is called once, later, from the loop, and may start the next request. Nothing
 * in the answer may be trusted as complete unless it is PROBE_OK. 0, -EBUSY
 * (one is running), -ENOMEM or -EIO.
 */
int probe_client_get(struct probe_client *client, const char *path, uint64_t from,
		     batch_stream_on_batch on_batch, probe_client_done on_done, void *context);
