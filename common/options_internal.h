/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of options_*.c share; nobody else includes this. */

#include "options.h"

#define OPTIONS_PROBLEM_BYTES 384

/* "what is wrong; what is allowed", without the place. */
struct options_problem {
	char text[OPTIONS_PROBLEM_BYTES];
};

/* What was met in the file, one for each row of the table. */
struct options_row_state {
	bool is_set;
	bool is_warned;
	uint32_t sections; /* bit N: the mapping made of the key's first N words was opened */
};

struct options_load {
	const struct option *table;
	size_t n;
	void *settings;
	const char *name; /* of the file, in errors */
	struct options_row_state *rows;
	struct option_error *error;
};

/* Fill the error as "NAME:LINE: KEY: ..."; line 0 and a NULL key are left out. -EINVAL. */
int options_fail(const struct options_load *load, size_t line, const char *key, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

/* log_warn() the first time for each row. */
void options_warn_no_effect(const struct options_load *load, const struct option *row);

/* Walk the YAML in `bytes` and set what it names. */
int options_yaml_read(struct options_load *load, const char *bytes, size_t size);

/*
 * Replace the row's field by what `text` says. -EINVAL with `problem` filled, or
 * -ENOMEM; the field is then unchanged. Not for OPTION_NO_EFFECT.
 */
int options_value_set(const struct option *row, void *settings, const char *text, size_t size,
		      struct options_problem *problem);

/* OPTION_STRING_LIST only: empty it; append one item. Errors as above. */
void options_value_clear_list(const struct option *row, void *settings);
int options_value_add_to_list(const struct option *row, void *settings, const char *text,
			      size_t size, struct options_problem *problem);

/* OPTION_STRING_MAP only. A key that is there is refused. Errors as above. */
void options_value_clear_map(const struct option *row, void *settings);
int options_value_add_to_map(const struct option *row, void *settings, const char *key,
			     size_t key_size, const char *value, size_t value_size,
			     struct options_problem *problem);

/* What options_value_*() do for a map. */
int options_map_add(const struct option *row, struct option_map *map, const char *key,
		    size_t key_size, const char *value, size_t value_size,
		    struct options_problem *problem);
int options_map_set(const struct option *row, struct option_map *field, const char *text,
		    size_t size, struct options_problem *problem);
void options_map_free(struct option_map *map);

/* "TEXT" WRONG; allowed: ... -EINVAL. */
int options_value_refuse(const struct option *row, const char *text, size_t size,
			 const char *wrong, struct options_problem *problem);

/* One text within its limits; errors as options_value_set(). */
int options_value_copy(const struct option *row, char **ret_copy, const char *text, size_t size,
		       struct options_problem *problem);

/* Free what the row's field holds and zero it. */
void options_value_free(const struct option *row, void *settings);

/* What the row allows, as a noun: "a whole number from 1 to 9". */
void options_value_describe(const struct option *row, char *out, size_t size);

/* The default as it would stand in the file. */
void options_print_default(const struct option *row, FILE *out);

/* In the largest unit that gives a whole number: "90s", "500ms". */
void options_duration_format(uint64_t ns, char *out, size_t size);

/* -EINVAL: not a duration; -ERANGE: over 2^64 - 1 nanoseconds. */
int options_duration_parse(const char *text, size_t size, uint64_t *ret_ns);

/* Decimal digits only, at least one. -EINVAL, or -ERANGE over 2^64 - 1. */
int options_digits_parse(const char *text, size_t size, uint64_t *ret_value);

/* `text` without what a terminal could take for control, cut to fit `out`. */
void options_printable(const char *text, size_t size, char *out, size_t out_size);

/* DD_ and the key in upper case with underscores for dots. */
void options_environment_name(const struct option *row, char *out, size_t size);

/*
 * The known key, or the section of one, that `key` was most likely meant to be:
 * one that ends in the same word, else the one with the fewest edits.
 */
void options_nearest(const struct option *table, size_t n, const char *key, char *out,
		     size_t size);
