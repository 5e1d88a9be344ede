/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line: tables of commands and their flags, from which the parser, the
 * help and the shell completions are all made. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#define ARGUMENTS_DEFAULT_CONFIG "/etc/sysprobe/core-agent.yaml"
#define ARGUMENTS_MAX_FLAGS 32
#define ARGUMENTS_MAX_WORDS 4

struct cli;

/* A row without a name ends a table. */
struct flag {
	const char *name;    /* without the dashes */
	const char *value;   /* what help calls its value; NULL: it takes none */
	const char *help;
	const char *choices; /* its values, separated by spaces, where they are few; or NULL */
	bool is_query;	     /* goes to the API as a parameter of the same name */
};

struct command {
	const char *name;
	const char *synopsis; /* the words that may follow; empty: none */
	const char *summary;  /* one line */
	const char *choices;  /* first words, separated by spaces; or NULL */
	const struct flag *const *flags; /* tables, NULL-terminated */
	size_t min_words, max_words;
	int (*run)(struct cli *cli); /* an exit code */
};

/* Strings are borrowed from argv. */
struct arguments {
	const struct command *command;
	struct {
		const struct flag *flag;
		const char *value;
	} given[ARGUMENTS_MAX_FLAGS];
	size_t n_given;
	const char *words[ARGUMENTS_MAX_WORDS]; /* after the command */
	size_t n_words;
};

struct arguments_error {
	char text[256]; /* fit for a terminal */
};

/*
 * `commands` ends with a row without name; its first row is the command when none is
 * named. --help ends the reading: nothing more is checked. 0, or -EINVAL with `error`.
 */
int arguments_parse(const struct command *commands, int argc, char *const *argv,
		    struct arguments *ret, struct arguments_error *error);

/* The last value given ("" for a flag that takes none); NULL: not given. */
const char *arguments_get(const struct arguments *arguments, const char *name);

/* A whole number from 1 to `max`. `ret` stays when the flag is not given. -EINVAL otherwise. */
int arguments_get_number(const struct arguments *arguments, const char *name, size_t max,
			 size_t *ret);
