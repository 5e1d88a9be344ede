/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tags of both ends of a connection: of the local one by its container, else its pod;
 * of the remote one by its address. Expects the owner to be filled in.
 */

#include <stdint.h>

#include "connection.h"

struct entities;
struct host_facts;
struct sources;
struct tagger;

struct tagger_stats {
	uint64_t n_unknown; /* connections with a container or pod that no source knows */
};

/* `sources` is told of who is unknown. All outlive it. NULL: out of memory. */
struct tagger *tagger_new(struct entities *entities, struct sources *sources,
			  const struct host_facts *host);
void tagger_free(struct tagger *tagger); /* takes NULL */

/* What it fills in is valid until sources change what they say: the next turn of the loop. */
void tagger_fill(struct tagger *tagger, struct connection *connection);

/* What is known of this host, valid as long. */
void tagger_fill_interval(struct tagger *tagger, struct interval *interval);

const struct tagger_stats *tagger_get_stats(const struct tagger *tagger);
