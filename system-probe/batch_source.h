/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The three streams of the socket, as sources of length-delimited Batch
 * messages. A source is pulled one batch at a time, so that memory is bounded by
 * the batch and not by the host.
 */

#include <stdint.h>

struct evbuffer;
struct probe;

struct batch_source {
	/* Append one batch: 1, or 0 after the last one, or negative errno. */
	int (*next)(struct batch_source *source, struct evbuffer *out);
	void (*free)(struct batch_source *source);
};

/* NULL: out of memory, or errno of opening the iterators. `probe` must outlive it. */
struct batch_source *snapshot_source_new(struct probe *probe);
struct batch_source *closed_source_new(struct probe *probe, uint64_t from_sequence);
struct batch_source *process_source_new(struct probe *probe, uint64_t from_sequence);
