/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Settings that change while the agent runs: one by one, or by reading the file and
 * the environment again. What cannot change is named, and nothing is changed by halves
 * when the file is bad.
 */

#include <stddef.h>

#include "options.h"

#define RUNTIME_MAX_NAMES 64

struct agent_settings;
struct exporters;
struct poller;
struct runtime;

struct runtime_source {
	const char *path; /* the settings file */
	bool is_path_default;
};

/* Keys are static. */
struct runtime_changes {
	const char *changed[RUNTIME_MAX_NAMES];
	size_t n_changed;
	const char *want_restart[RUNTIME_MAX_NAMES]; /* new in the file, old in use */
	size_t n_want_restart;
};

/* All arguments must outlive it; `settings` is what it changes. NULL: out of memory. */
struct runtime *runtime_new(struct agent_settings *settings, const struct runtime_source *source,
			    struct poller *poller, struct exporters *exporters);
void runtime_free(struct runtime *runtime);

/*
 * 0, -ENOENT (no such setting), -EPERM (it wants a restart), -EINVAL (with `error`), or
 * what made the change fail; the setting is then as it was.
 */
int runtime_set(struct runtime *runtime, const char *key, const char *text, size_t size,
		struct option_error *error);

/*
 * Logs what it did. 0, or negative errno with `error`. A setting that could not be
 * changed although it may (an exporter that does not start) ends it with that error;
 * what stood before it in the table has changed, and `ret` names it.
 */
int runtime_reload(struct runtime *runtime, struct runtime_changes *ret,
		   struct option_error *error);
