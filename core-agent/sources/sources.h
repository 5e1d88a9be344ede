/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* All sources of tags: which there are, and those that run. */

#include "source.h"

struct sources;

/* Sources that have nothing to ask on this host are left out. NULL: out of memory. */
struct sources *sources_new(const struct source_context *context);
void sources_free(struct sources *sources); /* takes NULL */

/* See source_class.wanted. NULL: there is nobody to ask. */
void sources_wanted(struct sources *sources, enum entity_kind kind, const char *id,
		    const char *runtime);

/* Once an interval: what is wanted may be said again. */
void sources_tick(struct sources *sources);

/* Health of the i-th that runs; NULL: no more. */
const struct source_health *sources_health(const struct sources *sources, size_t i);
