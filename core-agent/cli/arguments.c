/* SPDX-License-Identifier: Apache-2.0 */
#include "arguments.h"

#include "edit_distance.h"
#include "exporters/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_SHOWN 64 /* of what a user typed */

struct parser {
	const struct command *commands;
	struct arguments arguments;
	struct arguments_error *error;
	bool has_command;
	bool is_help;
};

static int fail(struct parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(struct parser *parser, const char *format, ...)
{
	char text[sizeof(parser->error->text)];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list); /* cut: for the eye */
	va_end(list);
	text_make_printable(text, sizeof(text), parser->error->text, sizeof(parser->error->text));
	return -EINVAL;
}

/* Far words suggest nothing: half of the letters may differ, and not more than three. */
static bool is_near(const char *word, size_t size, const char *known, size_t *best)
{
	size_t known_size = strlen(known);
	size_t longer = size > known_size ? size : known_size;
	size_t edits = edit_distance(word, size, known, known_size);
	bool is_beginning = size >= 2 && strncmp(word, known, size) == 0;

	if (is_beginning)
		edits = 0;
	if (edits >= *best || edits > 3 || 2 * edits > longer)
		return false;
	*best = edits;
	return true;
}

static const char *nearest_command(const struct command *commands, const char *word)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (const struct command *command = commands; command->name; command++)
		if (is_near(word, strlen(word), command->name, &best))
			nearest = command->name;
	return nearest;
}

static const char *nearest_flag(const struct command *command, const char *name, size_t size)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (const struct flag *const *table = command->flags; *table; table++)
		for (const struct flag *flag = *table; flag->name; flag++)
			if (is_near(name, size, flag->name, &best))
				nearest = flag->name;
	return nearest;
}

static const struct flag *find_flag(const struct command *command, const char *name, size_t size)
{
	for (const struct flag *const *table = command->flags; *table; table++)
		for (const struct flag *flag = *table; flag->name; flag++)
			if (strlen(flag->name) == size && memcmp(flag->name, name, size) == 0)
				return flag;
	return NULL;
}

static int fail_unknown_flag(struct parser *parser, const char *name, size_t size)
{
	const char *command = parser->arguments.command->name;
	const char *nearest = nearest_flag(parser->arguments.command, name, size);
	int shown = size < MAX_SHOWN ? (int)size : MAX_SHOWN;

	if (nearest)
		return fail(parser, "%s has no option --%.*s; did you mean --%s?", command, shown,
			    name, nearest);
	return fail(parser, "%s has no option --%.*s; see core-agent %s --help", command, shown,
		    name, command);
}

/* `text` is what follows "--". Sets how many further arguments were used. */
static int take_flag(struct parser *parser, const char *text, const char *next, int *ret_used)
{
	struct arguments *arguments = &parser->arguments;
	size_t size = strcspn(text, "=");
	const struct flag *flag = find_flag(arguments->command, text, size);
	const char *value = text[size] == '=' ? text + size + 1 : NULL;

	*ret_used = 0;
	if (!flag)
		return fail_unknown_flag(parser, text, size);
	if (!flag->value && value)
		return fail(parser, "--%s takes no value", flag->name);
	if (flag->value && !value) {
		value = next;
		*ret_used = 1;
	}
	if (flag->value && !value)
		return fail(parser, "--%s wants a value: --%s %s", flag->name, flag->name,
			    flag->value);
	if (arguments->n_given == ARGUMENTS_MAX_FLAGS)
		return fail(parser, "more than %d options", ARGUMENTS_MAX_FLAGS);
	arguments->given[arguments->n_given].flag = flag;
	arguments->given[arguments->n_given++].value = value ? value : "";
	parser->is_help |= strcmp(flag->name, "help") == 0;
	return 0;
}

static int take_command(struct parser *parser, const char *word)
{
	const char *nearest;

	parser->has_command = true;
	for (const struct command *command = parser->commands; command->name; command++)
		if (strcmp(command->name, word) == 0) {
			parser->arguments.command = command;
			return 0;
		}
	nearest = nearest_command(parser->commands, word);
	if (nearest)
		return fail(parser, "there is no command %.*s; did you mean %s?", MAX_SHOWN, word,
			    nearest);
	return fail(parser, "there is no command %.*s; see core-agent --help", MAX_SHOWN, word);
}

static int take_word(struct parser *parser, const char *word)
{
	struct arguments *arguments = &parser->arguments;

	if (!parser->has_command)
		return take_command(parser, word);
	if (arguments->n_words == arguments->command->max_words ||
	    arguments->n_words == ARGUMENTS_MAX_WORDS)
		return fail(parser, "%s: there is no place for %.*s; see core-agent %s --help",
			    arguments->command->name, MAX_SHOWN, word, arguments->command->name);
	arguments->words[arguments->n_words++] = word;
	return 0;
}

/* Flags that stand before the command must be known to it as well. */
static int check(struct parser *parser)
{
	const struct arguments *arguments = &parser->arguments;

	if (parser->is_help)
		return 0;
	for (size_t i = 0; i < arguments->n_given; i++) {
		const char *name = arguments->given[i].flag->name;

		if (!find_flag(arguments->command, name, strlen(name)))
			return fail_unknown_flag(parser, name, strlen(name));
	}
	if (arguments->n_words < arguments->command->min_words)
		return fail(parser, "%s wants more: core-agent %s %s", arguments->command->name,
			    arguments->command->name, arguments->command->synopsis);
	return 0;
}

int arguments_parse(const struct command *commands, int argc, char *const *argv,
		    struct arguments *ret, struct arguments_error *error)
{
	struct parser parser = {.commands = commands, .arguments.command = commands,
				.error = error};
	bool is_words_only = false;
	int r = 0;

	for (int i = 1; i < argc && r == 0 && !parser.is_help; i++) {
		const char *text = argv[i];
		int n_used = 0;

		if (!is_words_only && strcmp(text, "--") == 0)
			is_words_only = true;
		else if (!is_words_only && strncmp(text, "--", 2) == 0)
			r = take_flag(&parser, text + 2, i + 1 < argc ? argv[i + 1] : NULL, &n_used);
		else if (!is_words_only && text[0] == '-' && text[1])
			r = fail(&parser, "options have two dashes and a name: %.*s; see core-agent "
					  "--help", MAX_SHOWN, text);
		else
			r = take_word(&parser, text);
		i += n_used;
	}
	if (r == 0)
		r = check(&parser);
	if (r == 0)
		*ret = parser.arguments;
	return r;
}

const char *arguments_get(const struct arguments *arguments, const char *name)
{
	for (size_t i = arguments->n_given; i-- > 0;)
		if (strcmp(arguments->given[i].flag->name, name) == 0)
			return arguments->given[i].value;
	return NULL;
}

int arguments_get_number(const struct arguments *arguments, const char *name, size_t max,
			 size_t *ret)
{
	const char *text = arguments_get(arguments, name);
	size_t value = 0;

	if (!text)
		return 0;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9' || value > max / 10)
			return -EINVAL;
		value = value * 10 + (size_t)(*c - '0');
	}
	if (value == 0 || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}
