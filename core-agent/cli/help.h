/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* --help, from the tables. Pure but for the writing. */

#include <stdio.h>

struct command;

void help_print(const struct command *commands, FILE *out);
void help_print_command(const struct command *command, FILE *out);
