/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tags as members of the JSON record: the key is the name, the values of one key are a
 * string, or an array where there are several. Those of the remote end begin with "remote_".
 * A key that is a field of every record has "tag_" before it. Pure.
 */

#include <jansson.h>
#include <stdbool.h>

struct tag_set;
struct tag_sets;

enum record_end { RECORD_LOCAL_END, RECORD_REMOTE_END };

/* Adds to `object`, which has the other fields already; 0, or -1: out of memory. */
int record_tags_set(json_t *object, enum record_end end, const struct tag_set *tags);

/* The names that tags have in records, those documented and those that any of `sets` has. */
bool record_tags_has_field(const struct tag_sets *sets, const char *name);
