/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What goes into a flare: collected as the agent's user, scrubbed, kept in memory. */

#include <stddef.h>

#define FLARE_MAX_MEMBERS 16

struct cli;

struct flare_member {
	const char *name; /* in the archive; static */
	const char *what; /* static */
	char *text;	  /* heap; scrubbed */
	size_t size;
};

struct flare {
	struct flare_member members[FLARE_MAX_MEMBERS];
	size_t n;
	size_t n_hidden; /* secrets taken out */
};

/*
 * What cannot be had is told in the member problems.txt. `settings_error` is what loading
 * the settings said, or NULL. 0 or -ENOMEM.
 */
int flare_collect(struct cli *cli, const char *settings_error, struct flare *flare);

/* Frees what the members hold. */
void flare_deinit(struct flare *flare);
