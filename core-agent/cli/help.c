/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "arguments.h"

#include <string.h>

#define COLUMN 24 /* where explanations begin */
#define WIDTH 80

/* Words of `text` from COLUMN on, over as many lines as they take. */
static void print_text(const char *text, int used, FILE *out)
{
	int column = used;

	if (column >= COLUMN - 1) {
		fputc('\n', out);
		column = 0;
	}
	column += fprintf(out, "%*s", COLUMN - column, "");
	while (*text) {
		int size = (int)strcspn(text, " ");

		if (column > COLUMN && column + 1 + size > WIDTH)
			column = fprintf(out, "\n%*s", COLUMN, "") - 1;
		column += fprintf(out, "%s%.*s", column > COLUMN ? " " : "", size, text);
		text += size;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_flag(const struct flag *flag, FILE *out)
{
	int used = fprintf(out, "  --%s%s%s", flag->name, flag->value ? " " : "",
			   flag->value ? flag->value : "");

	print_text(flag->help, used, out);
}

void help_print_command(const struct command *command, FILE *out)
{
	fprintf(out, "Usage: core-agent %s%s%s [OPTION]...\n\n%s.\n\n", command->name,
		*command->synopsis ? " " : "", command->synopsis, command->summary);
	for (const struct flag *const *table = command->flags; *table; table++)
		for (const struct flag *flag = *table; flag->name; flag++)
			print_flag(flag, out);
}

void help_print(const struct command *commands, FILE *out)
{
	fputs("Usage: core-agent [COMMAND] [OPTION]...\n"
	      "\n"
	      "Reads connections from system-probe, says whose they are, hands them to the\n"
	      "exporters, and answers questions about them.\n\n", out);
	for (const struct command *command = commands; command->name; command++) {
		int used = fprintf(out, "  %s", command->name);

		print_text(command->summary, used, out);
	}
	fputs("\ncore-agent COMMAND --help has the options of each. Without a command:\n\n", out);
	for (const struct flag *const *table = commands->flags; *table; table++)
		for (const struct flag *flag = *table; flag->name; flag++)
			print_flag(flag, out);
	fputs("\nExit status: 0 done, 1 failed, 2 wrong arguments or settings, 3 no agent answers\n"
	      "or it may not be asked, 4 (status) no connections come in.\n", out);
}
