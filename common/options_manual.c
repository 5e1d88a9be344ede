/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "options_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Of the last change to the form of these pages; the keys carry no date. */
#define PAGE_DATE "2026-11-21"

/* As groff_char(7) and groff_man(7) want it. */
static void print_escaped(const char *text, FILE *out)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}

static void print_paragraph(const char *text, FILE *out)
{
	print_escaped(text, out);
	fputc('\n', out);
}

static void print_default(const struct option *row, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return;
	options_print_default(row, memory);
	if (fclose(memory) == 0)
		print_escaped(text, out);
	free(text);
}

static void print_environment(const struct option *row, FILE *out)
{
	char own[OPTION_MAX_KEY_BYTES + 4];

	options_environment_name(row, own, sizeof(own));
	fprintf(out, ".br\nEnvironment: %s", own);
	for (size_t i = 0; row->env && row->env[i]; i++)
		if (strcmp(row->env[i], own) != 0)
			fprintf(out, ", %s", row->env[i]);
	fputs(".\n", out);
}

static void print_row(const struct option *row, FILE *out)
{
	char allowed[240];

	options_value_describe(row, allowed, sizeof(allowed));
	fputs(".TP\n.B ", out);
	print_paragraph(row->key, out);
	if (row->help)
		print_paragraph(row->help, out);
	fputs(".br\n", out);
	fputs("Takes ", out);
	print_escaped(allowed, out);
	fputs(".\nDefault: ", out);
	print_default(row, out);
	fputs(".\n", out);
	if (row->is_runtime)
		fputs("May change while the program runs.\n", out);
	print_environment(row, out);
}

static void print_head(const char *program, FILE *out)
{
	fputs(".\\\" SPDX-License-Identifier: Apache-2.0\n"
	      ".\\\" Printed by the program itself: --print-manual\n.TH ", out);
	for (const char *c = program; *c; c++)
		fputc(toupper((unsigned char)*c), out);
	fputs(".YAML 5 " PAGE_DATE " Sysprobe\n.SH NAME\n", out);
	print_escaped(program, out);
	fputs(".yaml \\- settings of ", out);
	print_paragraph(program, out);
	fputs(".SH SYNOPSIS\n.I /etc/sysprobe/", out);
	print_escaped(program, out);
	fputs(".yaml\n.SH DESCRIPTION\n", out);
	fputs("A YAML file.\n"
	      "The words of a key that are separated by dots may also be sections, one in the other.\n"
	      "What an environment variable says wins over the file, and the file over the default.\n"
	      "A key that is not known, a value that is not allowed, anchors, aliases and tags are\n"
	      "errors: the program names the file, the line and what is allowed, and ends with\n"
	      "status 2.\n"
	      ".SH SETTINGS\n.ad l\n", out);
}

void options_print_manual(const struct option *table, size_t n, const char *program, FILE *out)
{
	bool is_first = true;

	print_head(program, out);
	for (size_t i = 0; i < n; i++)
		if (table[i].type != OPTION_NO_EFFECT)
			print_row(&table[i], out);
	for (size_t i = 0; i < n; i++) {
		if (table[i].type != OPTION_NO_EFFECT)
			continue;
		if (is_first)
			fputs(".SH ACCEPTED WITHOUT EFFECT\nKnown from other agents.\n.PP\n.nf\n",
			      out);
		is_first = false;
		print_paragraph(table[i].key, out);
	}
	fputs(is_first ? ".SH SEE ALSO\n" : ".fi\n.SH SEE ALSO\n", out);
	fputs(".BR system\\-probe (8),\n.BR core\\-agent (8)\n", out);
}
