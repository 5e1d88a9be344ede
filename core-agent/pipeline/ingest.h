/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is done with the probe's answers: each record passes convert, delta,
 * direction, enrichment and then every exporter; positions and losses are accounted.
 * No I/O of its own.
 *
 * A batch is read twice: first for what tells about other records of it, which are
 * listening sockets and the other ends of connections, then for the connections.
 *
 * An interval begins with the first thing to report and ends with
 * ingest_end_interval(), which commits all of it at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysprobe.pb-c.h"

struct enricher;
struct exporters;
struct history;
struct ingest;
struct tagger;

enum ingest_stream { INGEST_PROCESSES, INGEST_CONNECTIONS, INGEST_CLOSED };

struct ingest_stats {
	uint64_t n_connections;	  /* records handed to the exporters */
	uint64_t n_invalid;	  /* records that make no sense: skipped */
	uint64_t n_duplicates;	  /* closed ones that were handed over before */
	uint64_t n_left_out;	  /* live ones that do not fit the table, reported at close */
	uint64_t n_closed_lost;	  /* evicted from the probe's log before they were read */
	uint64_t n_process_lost;  /* process events, likewise */
	uint64_t n_processes_not_kept; /* refused by the table of processes */
	uint64_t n_instances;	  /* restarts of the probe seen */
	uint64_t n_aborted;	  /* intervals that ended early */
	uint64_t n_listeners_left_out; /* times that a listening socket found no room */
	uint64_t n_owners_left_out; /* of ends on this host, for the records of the other ends */
	uint64_t n_ends_left_out; /* ends that may lack direction "local" for want of room */
};

/*
 * Resumes where `history` (or NULL) says. All four must outlive it. NULL: out of
 * memory.
 */
struct ingest *ingest_new(struct enricher *enricher, struct tagger *tagger,
			  struct exporters *exporters, struct history *history,
			  size_t max_connections);
void ingest_free(struct ingest *ingest);

/* A request for `stream` begins; returns its "from", 0 for INGEST_CONNECTIONS. */
uint64_t ingest_begin_stream(struct ingest *ingest, enum ingest_stream stream);

/*
 * A batch of that stream (batch_stream_on_batch; `context` is the struct ingest).
 * -ERESTART: the probe is another instance than before, everything was reset,
 * ask from the beginning. -EPIPE: an exporter's reader has gone.
 */
int ingest_batch(const Sysprobe__V1__Batch *batch, void *context);

/* The stream came to its trailer: its cursor moves. */
void ingest_end_stream(struct ingest *ingest);

/* All streams of a poll were whole: connections not seen may have vanished. */
void ingest_end_poll(struct ingest *ingest);

/*
 * End the interval, if one has begun, and commit what changed. 0, or -EPIPE as
 * above; other failures are the exporters' own.
 */
int ingest_end_interval(struct ingest *ingest, bool is_aborted);

bool ingest_has_interval(const struct ingest *ingest);

/* CLOCK_BOOTTIME as of the last header; 0 before the first. */
uint64_t ingest_now_boottime_ns(const struct ingest *ingest);

/* What the probe said of itself; empty strings and 0 before it was met. */
struct ingest_probe {
	const char *instance;
	const char *tier;
	uint64_t polled_unix_ns; /* end of the last whole poll */
};

struct ingest_probe ingest_get_probe(const struct ingest *ingest);

struct delta_stats;
const struct delta_stats *ingest_get_delta_stats(const struct ingest *ingest);

/* overflow_account_n_causes_full() */
uint64_t ingest_n_causes_full(const struct ingest *ingest);

const struct ingest_stats *ingest_get_stats(const struct ingest *ingest);
