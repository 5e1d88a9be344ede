/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Completions for shells, from the tables. */

#include <stdio.h>

struct command;

/* -EINVAL: no such shell. */
int completion_print(const struct command *commands, const char *shell, FILE *out);
