/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Settings: one table row is one key, with its type, range, default, help and
 * environment names, from which the YAML reader, the environment overrides,
 * --help-settings and the .example file are all made.
 *
 * Order of precedence: environment, file, default. The environment name of any
 * key is DD_ + upper case with dots as underscores; `env` adds others.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_BOOL,        /* bool; true/false/yes/no/on/off/1/0, in any case */
	OPTION_INT,         /* int64_t within [min, max]; decimal */
	OPTION_DURATION,    /* uint64_t nanoseconds; "500ms", "30s", "5m", "1h30m", plain seconds */
	OPTION_STRING,      /* char *, heap, never NULL once loaded */
	OPTION_ENUM,        /* int, index into `choices`; in any case */
	OPTION_STRING_LIST, /* struct option_list; YAML sequence, or words split at space or comma */
	OPTION_STRING_MAP,  /* struct option_map; YAML mapping, or the text of one: {"a": "b"} */
	OPTION_NO_EFFECT,   /* known from other agents, has no effect here: accepted with
			     * whatever stands below it, warned of once by name */
};

#define OPTION_MAX_KEY_BYTES 256
#define OPTION_MAX_DEPTH 16
#define OPTION_MAX_LIST 64
#define OPTION_MAX_STRING_BYTES 4096
#define OPTION_MAX_FILE_BYTES (1024 * 1024)

struct option_list {
	char **items; /* heap, each heap */
	size_t n;     /* 0 .. OPTION_MAX_LIST */
};

struct option_pair {
	char *key, *value; /* heap, none empty */
};

struct option_map {
	struct option_pair *items; /* heap; in the order of the file, each key once */
	size_t n;		   /* 0 .. OPTION_MAX_LIST */
};

struct option {
	const char *key; /* dotted: "network_config.enabled" */
	enum option_type type;
	size_t offset; /* of the field in the settings struct */
	const char *fallback; /* the default, as it would stand in the file; NULL: empty or 0 */
	int64_t min, max; /* OPTION_INT: itself; OPTION_DURATION: nanoseconds; both 0: no limits */
	const char *const *choices; /* OPTION_ENUM: NULL-terminated */
	const char *const *env; /* further environment names, NULL-terminated, or NULL */
	bool is_secret; /* never printed: API keys */
	bool is_runtime; /* may change while the program runs; others want a restart */
	const char *help; /* one or two sentences; what it does, unit, when to change it */
};

/* A settings error is one line: FILE:LINE: KEY: what is wrong; what is allowed. */
struct option_error {
	char text[512];
};

/*
 * Fill `settings` (zeroed by the caller) from defaults, then `path`, then the
 * environment. A missing file is no error when `is_path_default`; a file that is
 * unreadable, world-writable, over OPTION_MAX_FILE_BYTES, not valid YAML, or has
 * an unknown key (the nearest known key is named), a key twice, an anchor, alias
 * or tag, a wrong type or a value out of range is: -EINVAL (or the errno of
 * open) with `error` filled. A null value leaves the default.
 *
 * Of several environment names that are set, the one made from the key wins,
 * then the order of `env`; an empty variable counts as not set. Values that do
 * not parse are the same kind of error, naming the variable.
 * On error `settings` is freed and zero. `n` is the number of rows.
 */
int options_load(const struct option *table, size_t n, void *settings, const char *path,
		 bool is_path_default, struct option_error *error);

/* As options_load() from bytes, without environment; `name` stands for the path in errors. */
int options_load_bytes(const struct option *table, size_t n, void *settings, const char *name,
		       const char *bytes, size_t size, struct option_error *error);

/* Free strings, lists and maps inside `settings` and zero them; takes half-loaded ones. */
void options_free(const struct option *table, size_t n, void *settings);

/* NULL: no row has this key. */
const struct option *options_find(const struct option *table, size_t n, const char *key);

/*
 * Set one field (zero, or loaded before) to what `text` says, as it would stand in an
 * environment variable. -EINVAL with `error` filled ("KEY: what is wrong; what is
 * allowed"), or -ENOMEM; the field is then unchanged. Not for OPTION_NO_EFFECT.
 */
int options_set(const struct option *row, void *settings, const char *text, size_t size,
		struct option_error *error);

/* Of one row's field in two loaded structs. */
bool options_is_equal(const struct option *row, const void *a, const void *b);
void options_swap(const struct option *row, void *a, void *b);

/* The value of this key, or NULL. */
const char *options_map_find(const struct option_map *map, const char *key);

/* --help-settings: every key with type, range, default, environment names, help. */
void options_print_help(const struct option *table, size_t n, FILE *out);

/*
 * The .example file: every key commented out at its default, with its help
 * above. Explanations start with "##"; with the "# " before each key removed the
 * rest is a file that loads to the defaults.
 */
void options_print_example(const struct option *table, size_t n, const char *title, FILE *out);

/* --print-manual: the page PROGRAM.yaml(5), for man. */
void options_print_manual(const struct option *table, size_t n, const char *program, FILE *out);
