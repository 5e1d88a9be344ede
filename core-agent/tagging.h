/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tags, from those who know names to the connections: owns the sources, what they said, and
 * the sets of tags.
 */

#include "connection.h"

struct agent_settings;
struct curl_loop;
struct entities;
struct event_base;
struct host_facts;
struct sources;
struct tag_sets;
struct tagger;
struct tagging;

/* The arguments outlive it. NULL: out of memory. */
struct tagging *tagging_new(const struct agent_settings *settings, struct event_base *base,
			    struct curl_loop *loop);
void tagging_free(struct tagging *tagging); /* takes NULL; when nobody has a set any more */

/* Once an interval. */
void tagging_tick(struct tagging *tagging);

struct tagger *tagging_tagger(const struct tagging *tagging);
struct tag_sets *tagging_sets(const struct tagging *tagging);
struct entities *tagging_entities(const struct tagging *tagging);
const struct sources *tagging_sources(const struct tagging *tagging);
const struct host_facts *tagging_host(const struct tagging *tagging);
