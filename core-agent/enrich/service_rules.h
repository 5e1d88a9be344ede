/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What interpreters, launchers and wrappers run, as their arguments say: a row for each
 * program. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "service.h"

struct service_rule;

/* The words of a command line; words[at] is the program. */
struct service_command {
	const char *const *words;
	size_t n;
	size_t at;
};

enum service_step {
	SERVICE_NOTHING, /* the arguments name no service */
	SERVICE_NAMED,	 /* `out` is it */
	SERVICE_RUNS,	 /* `at` is now the program that it runs */
	SERVICE_SHELL,	 /* words[at] is now a shell's command */
};

typedef enum service_step service_find(struct service_command *command,
				       const struct service_rule *rule,
				       char out[SERVICE_NAME_BYTES]);

struct service_rule {
	const char *program;	   /* base name; a version of digits and dots may follow */
	service_find *find;
	const char *value_letters; /* short options that take a value */
	const char *value_options; /* long ones whose value is the next word; each "--name " */
	const char *stop_letters;  /* short options instead of a script (-c code) */
	const char *extra;	   /* of the rule's kind */
	unsigned int n_positional; /* of a wrapper: words before the program */
};

/* NULL: none. `program` is a word, with its path. */
const struct service_rule *service_rule_find(const char *program);

/* For tests: the rows in their order. */
extern const struct service_rule service_rules[];
extern const size_t service_rules_n;

/* java: -jar, main class or module, and the properties that name a service. */
service_find service_find_java;
