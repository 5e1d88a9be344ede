/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sends a batch source as a chunked response: the next batch is made when the
 * last one has left, and everything is freed when the client goes away.
 */

#include <stdint.h>

struct batch_source;
struct clients;
struct evhttp_request;

/*
 * Takes over `source`, and holds the request's connection among `clients`. `n_cut` is
 * incremented if the stream ends before its last batch; `n_active` is decremented when
 * it ends in any way. 0 or -ENOMEM (then nothing was sent and `source` is freed).
 */
int stream_start(struct evhttp_request *request, struct batch_source *source,
		 struct clients *clients, uint64_t *n_cut, unsigned int *n_active);
