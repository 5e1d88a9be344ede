/* SPDX-License-Identifier: Apache-2.0 */
#include "service_command.h"

#include <string.h>

#include "service_rules.h"
#include "service_words.h"

#define MAX_STEPS 8 /* a wrapper in a wrapper ... */

/* One copy of a command line, and the words in it. */
struct words {
	char text[SERVICE_MAX_COMMAND_BYTES + 1];
	const char *at[SERVICE_MAX_WORDS];
	size_t n;
};

static void split(const char *arguments, size_t size, bool is_cut, struct words *ret)
{
	if (size > SERVICE_MAX_COMMAND_BYTES) {
		size = SERVICE_MAX_COMMAND_BYTES;
		is_cut = true;
	}
	if (size)
		memcpy(ret->text, arguments, size);
	ret->text[size] = '\0';
	ret->n = 0;
	for (size_t i = 0; i < size && ret->n < SERVICE_MAX_WORDS; i += strlen(ret->text + i) + 1)
		ret->at[ret->n++] = ret->text + i;
	if (is_cut && ret->n > 1 && ret->n < SERVICE_MAX_WORDS)
		ret->n--;
}

/* What servers write over their arguments. */
static const struct {
	const char *prefix;
	const char *name;     /* the service, or NULL: what stands in brackets */
	bool is_module;       /* in brackets */
} titles[] = {
	{ "nginx: ", "nginx", false },	{ "postgres: ", "postgres", false },
	{ "php-fpm: ", "php-fpm", false }, { "redis-server ", "redis", false },
	{ "unicorn ", "unicorn", false }, { "gunicorn: ", NULL, true },
	{ "puma ", NULL, false },		{ "puma: ", NULL, false },
};

static bool name_from_title(const char *title, char out[SERVICE_NAME_BYTES])
{
	const char *end = title + strcspn(title, " ");
	const char *slash = memrchr(title, '/', (size_t)(end - title));
	const char *base = slash ? slash + 1 : title;
	char bracketed[SERVICE_NAME_BYTES];

	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
		if (strncmp(base, titles[i].prefix, strlen(titles[i].prefix)) != 0)
			continue;
		if (titles[i].name)
			return service_copy(titles[i].name, strlen(titles[i].name), out);
		if (!service_bracketed_name(base, bracketed))
			return false;
		return titles[i].is_module ? service_module_name(bracketed, out)
					   : service_copy(bracketed, strlen(bracketed), out);
	}
	return false;
}

/* Where the last of several commands begins; NULL: they are joined otherwise. */
static char *last_command(char *text)
{
	char quote = '\0';

	for (char *at = text; *at; at++) {
		if (quote)
			quote = *at == quote ? '\0' : quote;
		else if (*at == '"' || *at == '\'')
			quote = *at;
		else if (*at == ';' || *at == '\n')
			text = at + 1;
		else if (at[0] == '&' && at[1] == '&')
			text = ++at + 1;
		else if (strchr("|&<>()`$", *at))
			return NULL;
	}
	return text;
}

/* The words of a shell's command, if it is that simple. Quotes are dropped, not obeyed. */
static void split_shell(char *text, struct words *ret)
{
	char *rest = NULL;

	ret->n = 0;
	text = last_command(text);
	if (!text)
		return;
	for (char *word = strtok_r(text, " \t\"'", &rest); word && ret->n < SERVICE_MAX_WORDS;
	     word = strtok_r(NULL, " \t\"'", &rest))
		if (ret->n || (strcmp(word, "exec") != 0 && !strchr(word, '=')))
			ret->at[ret->n++] = word;
}

/* Not a shell in a shell: `words` is one copy. */
static bool enter_shell(struct words *words, struct service_command *command)
{
	char *text = words->text + (command->words[command->at] - words->text);

	split_shell(text, words);
	*command = (struct service_command){.words = words->at, .n = words->n};
	return words->n > 0;
}

static const char *without_login_dash(const char *program)
{
	return program[0] == '-' ? program + 1 : program;
}

static bool follow(struct words *words, char out[SERVICE_NAME_BYTES])
{
	struct service_command command = { .words = words->at, .n = words->n };
	const struct service_rule *rule = service_rule_find(without_login_dash(words->at[0]));
	enum service_step step;
	bool was_in_shell = false;

	if (!rule)
		return false;
	for (int i = 0; i < MAX_STEPS; i++) {
		step = rule->find(&command, rule, out);
		if (step == SERVICE_NAMED)
			return true;
		if (step == SERVICE_NOTHING || (step == SERVICE_SHELL && was_in_shell))
			return false;
		if (step == SERVICE_SHELL && !enter_shell(words, &command))
			return false;
		was_in_shell |= step == SERVICE_SHELL;
		rule = service_rule_find(command.words[command.at]);
		if (!rule)
			return service_script_name(command.words[command.at], out);
	}
	return false;
}

bool service_from_command(const void *arguments, size_t size, bool is_cut,
			  char out[SERVICE_NAME_BYTES])
{
	struct words words;

	split(arguments, size, is_cut, &words);
	if (words.n == 0)
		return false;
	return name_from_title(words.at[0], out) || follow(&words, out);
}
