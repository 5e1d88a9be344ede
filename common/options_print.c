/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "options_internal.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define WIDTH 90 /* of a line of help, where words permit */

static void print_wrapped(const char *text, const char *indent, FILE *out)
{
	size_t column = 0;

	while (*text) {
		size_t size = strcspn(text, " \n");

		if (column > 0 && column + 1 + size > WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		fprintf(out, "%s%.*s", column == 0 ? indent : " ", (int)size, text);
		column += size + (column == 0 ? strlen(indent) : 1);
		text += size;
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

/* May `text` stand without quotes? The first character tells it from numbers and syntax. */
static bool is_plain(const char *text, size_t size)
{
	static const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (size == 0 || (!strchr(letters, text[0]) && text[0] != '/'))
		return false;
	for (size_t i = 1; i < size; i++)
		if (!strchr(letters, text[i]) && !strchr("0123456789_./-", text[i]))
			return false;
	return !(size == 4 && strncasecmp(text, "null", 4) == 0);
}

static void print_string(const char *text, size_t size, FILE *out)
{
	if (is_plain(text, size)) {
		fprintf(out, "%.*s", (int)size, text);
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '"' || text[i] == '\\')
			fprintf(out, "\\%c", text[i]);
		else if ((unsigned char)text[i] < ' ')
			fprintf(out, "\\x%02x", (unsigned char)text[i]);
		else
			fputc(text[i], out);
	}
	fputc('"', out);
}

static void print_list(const char *words, FILE *out)
{
	const char *before = "";

	fputc('[', out);
	for (;;) {
		size_t size;

		words += strspn(words, " ,\t\n");
		size = strcspn(words, " ,\t\n");
		if (size == 0)
			break;
		fputs(before, out);
		print_string(words, size, out);
		words += size;
		before = ", ";
	}
	fputc(']', out);
}

void options_print_default(const struct option *row, FILE *out)
{
	const char *fallback = row->fallback ? row->fallback : "";

	if (row->type == OPTION_STRING)
		print_string(fallback, strlen(fallback), out);
	else if (row->type == OPTION_STRING_LIST)
		print_list(fallback, out);
	else if (row->fallback)
		fputs(row->fallback, out);
	else if (row->type == OPTION_STRING_MAP)
		fputs("{}", out);
	else if (row->type == OPTION_BOOL)
		fputs("false", out);
	else if (row->type == OPTION_ENUM)
		fputs(row->choices[0], out);
	else
		fputs(row->type == OPTION_DURATION ? "0s" : "0", out);
}

/* "Takes true or false. Default: true." */
static void print_type(const struct option *row, const char *indent, FILE *out)
{
	char allowed[240];

	options_value_describe(row, allowed, sizeof(allowed));
	fprintf(out, "%sTakes %s. Default: ", indent, allowed);
	options_print_default(row, out);
	fputs(".\n", out);
}

static void print_environment(const struct option *row, const char *indent, FILE *out)
{
	char own[OPTION_MAX_KEY_BYTES + 4];

	options_environment_name(row, own, sizeof(own));
	fprintf(out, "%sEnvironment: %s", indent, own);
	for (size_t i = 0; row->env && row->env[i]; i++)
		if (strcmp(row->env[i], own) != 0)
			fprintf(out, ", %s", row->env[i]);
	fputs(".\n", out);
}

static void print_explanation(const struct option *row, const char *indent, FILE *out)
{
	if (row->help)
		print_wrapped(row->help, indent, out);
	print_type(row, indent, out);
	if (row->is_runtime)
		fprintf(out, "%sMay change while the program runs.\n", indent);
	print_environment(row, indent, out);
}

/* The rows of OPTION_NO_EFFECT, by name only. */
static void print_no_effect(const struct option *table, size_t n, const char *indent, FILE *out)
{
	bool is_first = true;

	for (size_t i = 0; i < n; i++) {
		if (table[i].type != OPTION_NO_EFFECT)
			continue;
		if (is_first)
			fprintf(out, "\n%sKnown from other agents, accepted, without effect here:\n",
				indent);
		fprintf(out, "%s  %s\n", indent, table[i].key);
		is_first = false;
	}
}

void options_print_help(const struct option *table, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].type == OPTION_NO_EFFECT)
			continue;
		fprintf(out, "%s\n", table[i].key);
		print_explanation(&table[i], "    ", out);
	}
	print_no_effect(table, n, "", out);
}

/* One level of nesting: the rows whose key starts with the first `size` bytes of `prefix`. */
struct level {
	const struct option *table;
	size_t n;
	const char *prefix;
	size_t size;
	int indent; /* spaces */
};

static bool is_in_level(const struct level *level, const struct option *row)
{
	return row->type != OPTION_NO_EFFECT && strncmp(row->key, level->prefix, level->size) == 0;
}

static bool is_first_of_section(const struct level *level, size_t row, size_t size)
{
	for (size_t i = 0; i < row; i++)
		if (is_in_level(level, &level->table[i]) &&
		    strncmp(level->table[i].key, level->table[row].key, size) == 0)
			return false;
	return true;
}

static void print_key(const struct level *level, const struct option *row, FILE *out)
{
	char indent[2 * OPTION_MAX_DEPTH + 4];

	(void)snprintf(indent, sizeof(indent), "%*s## ", level->indent, "");
	fputc('\n', out);
	print_explanation(row, indent, out);
	fprintf(out, "%*s# %s: ", level->indent, "", row->key + level->size);
	options_print_default(row, out);
	fputc('\n', out);
}

static void print_level(const struct level *level, FILE *out)
{
	for (size_t i = 0; i < level->n; i++) {
		const struct option *row = &level->table[i];
		const char *word = row->key + level->size, *dot;

		if (!is_in_level(level, row))
			continue;
		dot = strchr(word, '.');
		if (!dot) {
			print_key(level, row, out);
		} else if (is_first_of_section(level, i, (size_t)(dot + 1 - row->key))) {
			struct level below = *level;

			below.prefix = row->key;
			below.size = (size_t)(dot + 1 - row->key);
			below.indent += 2;
			fprintf(out, "\n%*s# %.*s:\n", level->indent, "", (int)(dot - word), word);
			print_level(&below, out);
		}
	}
}

void options_print_example(const struct option *table, size_t n, const char *title, FILE *out)
{
	struct level top = { .table = table, .n = n, .prefix = "" };

	print_wrapped(title, "## ", out);
	fputs("##\n## Lines with two hash signs explain. To change a setting, remove the\n"
	      "## \"# \" before its key and before the section it stands in.\n", out);
	print_level(&top, out);
	print_no_effect(table, n, "## ", out);
}
