/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The exporters that the settings name, called as one. */

#include <stdbool.h>
#include <stddef.h>

#include "exporter.h"

#define EXPORTERS_MAX 8

struct exporters;
struct option_list;
struct recent;

/*
 * Make those of settings->exporters, in that order. `settings`, `base` and
 * `history` (or NULL) must outlive them. 0, or with the reason logged: -EINVAL
 * (an unknown name, one twice, or too many), or what made one of them fail.
 */
int exporters_new(const struct agent_settings *settings, struct event_base *base,
		  struct history *history, struct exporters **ret);

/* `recent` (or NULL) sees what they see, whatever they are; it must outlive them. */
void exporters_set_recent(struct exporters *exporters, struct recent *recent);

/*
 * Another choice of exporters while the agent runs; those that stay are not made anew.
 * Takes effect at the end of the interval going on, if any. 0, or as exporters_new(),
 * and nothing has changed.
 */
int exporters_change(struct exporters *exporters, const struct option_list *names);

/* Takes NULL. */
void exporters_free(struct exporters *exporters);

/*
 * Each of these calls every exporter, whatever the others return, and gives the
 * last error; an exporter's failure is logged by itself. -EPIPE goes before other
 * errors: the agent shall end.
 */
int exporters_begin(struct exporters *exporters, const struct interval *interval);
int exporters_connection(struct exporters *exporters, const struct connection *connection);
int exporters_listener(struct exporters *exporters, const struct connection *listener);
int exporters_overflow(struct exporters *exporters, const struct overflow *overflow);
int exporters_end(struct exporters *exporters, bool is_aborted);
void exporters_polled(struct exporters *exporters);

/* Whether any of them has something on its way that has neither arrived nor failed. */
bool exporters_are_sending(const struct exporters *exporters);

/* Name and counters of exporter `i`; NULL past the last one. */
const char *exporters_name(const struct exporters *exporters, size_t i);
const struct exporter_stats *exporters_stats(const struct exporters *exporters, size_t i);
