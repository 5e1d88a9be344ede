/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every number that the agent keeps of itself, under one name in every format. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;

#define FIGURES_MAX 256

struct figure {
	const char *name; /* without prefix and suffix */
	const char *help;
	const char *label; /* NULL: none */
	const char *label_value;
	bool is_gauge;
	bool is_summed; /* the status has one number for all labels */
	uint64_t value;
};

struct figures {
	struct figure rows[FIGURES_MAX]; /* those of one name stand together */
	size_t n;
};

void figures_collect(const struct api *api, struct figures *ret);
