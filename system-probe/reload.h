/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct probe_settings;

/*
 * Read the settings anew: those that can change while the probe runs do, the others
 * are named in the log. A file that cannot be taken changes nothing. 0, or the negative
 * errno of options_load() with the reason logged.
 */
int reload_settings(struct probe_settings *settings, const char *path, bool is_path_default);
