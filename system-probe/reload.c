/* SPDX-License-Identifier: Apache-2.0 */
#include "reload.h"

#include "log.h"
#include "settings.h"

static void take(const struct option *row, struct probe_settings *settings,
		 struct probe_settings *wanted)
{
	if (row->type == OPTION_NO_EFFECT || options_is_equal(row, settings, wanted))
		return;
	if (!row->is_runtime) {
		log_warn("this setting changes with a restart only", "key=%s", row->key);
		return;
	}
	options_swap(row, settings, wanted);
	log_info("a setting was changed", "key=%s", row->key);
}

int reload_settings(struct probe_settings *settings, const char *path, bool is_path_default)
{
	struct probe_settings wanted = { 0 };
	struct option_error error;
	int r = options_load(probe_options, probe_options_n, &wanted, path, is_path_default, &error);

	if (r < 0)
		log_error("cannot take the settings read anew", "reason=%s", error.text);
	for (size_t i = 0; r == 0 && i < probe_options_n; i++)
		take(&probe_options[i], settings, &wanted);
	log_set_level((enum log_level)settings->log_level);
	options_free(probe_options, probe_options_n, &wanted);
	return r;
}
