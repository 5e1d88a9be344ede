/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

#include "exporters/exporters.h"
#include "log.h"
#include "pipeline/poller.h"
#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct runtime {
	struct agent_settings *settings;
	struct runtime_source source;
	struct poller *poller;
	struct exporters *exporters;
};

struct runtime *runtime_new(struct agent_settings *settings, const struct runtime_source *source,
			    struct poller *poller, struct exporters *exporters)
{
	struct runtime *runtime = calloc(1, sizeof(*runtime));

	if (!runtime)
		return NULL;
	*runtime = (struct runtime){settings, *source, poller, exporters};
	return runtime;
}

void runtime_free(struct runtime *runtime)
{
	free(runtime);
}

static int apply_log_level(struct runtime *runtime, const struct agent_settings *wanted)
{
	(void)runtime;
	log_set_level((enum log_level)wanted->log_level);
	return 0;
}

static int apply_poll_interval(struct runtime *runtime, const struct agent_settings *wanted)
{
	poller_set_intervals(runtime->poller, wanted->poll_interval_ns,
			     runtime->settings->drain_interval_ns);
	return 0;
}

static int apply_drain_interval(struct runtime *runtime, const struct agent_settings *wanted)
{
	poller_set_intervals(runtime->poller, runtime->settings->poll_interval_ns,
			     wanted->drain_interval_ns);
	return 0;
}

static int apply_exporters(struct runtime *runtime, const struct agent_settings *wanted)
{
	return exporters_change(runtime->exporters, &wanted->exporters);
}

/* One for each row of settings.c that has is_runtime; a test sees to that. */
static const struct {
	const char *key;
	int (*apply)(struct runtime *runtime, const struct agent_settings *wanted);
} appliers[] = {
	{"log_level", apply_log_level},
	{"process_config.intervals.connections", apply_poll_interval},
	{"sysprobe.drain_interval", apply_drain_interval},
	{"exporters", apply_exporters},
};

/* The setting takes the value that `wanted` has, and `wanted` the old one. */
static int apply(struct runtime *runtime, const struct option *row, struct agent_settings *wanted)
{
	for (size_t i = 0; i < sizeof(appliers) / sizeof(*appliers); i++) {
		int r;

		if (strcmp(appliers[i].key, row->key) != 0)
			continue;
		r = appliers[i].apply(runtime, wanted);
		if (r == 0)
			options_swap(row, runtime->settings, wanted);
		return r;
	}
	return -ENOSYS;
}

static int fail(const struct option *row, int r, struct option_error *error)
{
	(void)snprintf(error->text, sizeof(error->text), "%s: %s; the log says more", row->key,
		       strerror(-r));
	return r;
}

int runtime_set(struct runtime *runtime, const char *key, const char *text, size_t size,
		struct option_error *error)
{
	const struct option *row = options_find(agent_options, agent_options_n, key);
	struct agent_settings wanted = {0};
	int r;

	if (!row || row->type == OPTION_NO_EFFECT)
		return -ENOENT;
	if (!row->is_runtime)
		return -EPERM;
	r = options_set(row, &wanted, text, size, error);
	if (r == 0) {
		r = apply(runtime, row, &wanted);
		if (r < 0)
			(void)fail(row, r, error);
		else
			log_info("a setting was changed", "key=%s value=%.*s", key, (int)size, text);
	}
	options_free(agent_options, agent_options_n, &wanted);
	return r;
}

static int take(struct runtime *runtime, struct agent_settings *wanted,
		struct runtime_changes *changes, struct option_error *error)
{
	for (size_t i = 0; i < agent_options_n; i++) {
		const struct option *row = &agent_options[i];
		int r;

		if (row->type == OPTION_NO_EFFECT ||
		    options_is_equal(row, runtime->settings, wanted))
			continue;
		if (!row->is_runtime) {
			if (changes->n_want_restart < RUNTIME_MAX_NAMES)
				changes->want_restart[changes->n_want_restart++] = row->key;
			continue;
		}
		r = apply(runtime, row, wanted);
		if (r < 0)
			return fail(row, r, error);
		if (changes->n_changed < RUNTIME_MAX_NAMES)
			changes->changed[changes->n_changed++] = row->key;
	}
	return 0;
}

static void log_changes(const struct runtime *runtime, const struct runtime_changes *changes)
{
	for (size_t i = 0; i < changes->n_changed; i++)
		log_info("a setting was changed", "key=%s", changes->changed[i]);
	for (size_t i = 0; i < changes->n_want_restart; i++)
		log_warn("this setting changes with a restart only", "key=%s",
			 changes->want_restart[i]);
	log_info("settings read anew", "path=%s changed=%zu want_restart=%zu",
		 runtime->source.path, changes->n_changed, changes->n_want_restart);
}

int runtime_reload(struct runtime *runtime, struct runtime_changes *ret,
		   struct option_error *error)
{
	struct agent_settings wanted = {0};
	int r;

	*ret = (struct runtime_changes){.n_changed = 0};
	r = options_load(agent_options, agent_options_n, &wanted, runtime->source.path,
			 runtime->source.is_path_default, error);
	if (r == 0) {
		r = take(runtime, &wanted, ret, error);
		log_changes(runtime, ret);
	}
	if (r < 0)
		log_error("cannot take the settings read anew", "reason=%s", error->text);
	options_free(agent_options, agent_options_n, &wanted);
	return r;
}
