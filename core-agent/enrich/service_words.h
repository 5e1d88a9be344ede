/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Names within the words of a command line: NUL-terminated, any bytes. What writes to
 * `out` cuts at SERVICE_NAME_BYTES and returns false where no name is left. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "service.h"

bool service_copy(const char *text, size_t size, char out[SERVICE_NAME_BYTES]);

/* What follows the last slash; "" of "bin/". Within `path`. */
const char *service_base_name(const char *path);

/* "redis" of "/srv/redis.py": base name without an extension of a program's text. */
bool service_program_name(const char *path, char out[SERVICE_NAME_BYTES]);

/*
 * The same, but of a name that says nothing (main, index, manage, ...) the folder it is
 * in, passing over folders that say nothing either (src, dist, bin, ...); of a path below
 * node_modules the folder that has it, or the package where that one says nothing.
 */
bool service_script_name(const char *path, char out[SERVICE_NAME_BYTES]);

/* "shop" of "shop.wsgi:application", "main" of "main:app". False: no Python module. */
bool service_module_name(const char *text, char out[SERVICE_NAME_BYTES]);

/* "shop" of "/srv/shop-1.2.3.jar": without folder, extension and version. */
bool service_archive_name(const char *path, char out[SERVICE_NAME_BYTES]);

/* "shop" of "any title [shop]". */
bool service_bracketed_name(const char *title, char out[SERVICE_NAME_BYTES]);
