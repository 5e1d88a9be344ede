/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for shells, from the tables. */
#include "cli_internal.h"

#include <string.h>

typedef void (*on_flag)(const struct command *command, const struct flag *flag, FILE *out);

static void for_each_flag(const struct command *command, on_flag print, FILE *out)
{
	for (const struct flag *const *table = command->flags; *table; table++)
		for (const struct flag *flag = *table; flag->name; flag++)
			print(command, flag, out);
}

static void print_names(const struct command *commands, FILE *out)
{
	for (const struct command *command = commands; command->name; command++)
		fprintf(out, "%s%s", command == commands ? "" : " ", command->name);
}

static bool takes_file(const struct flag *flag)
{
	return flag->value && strcmp(flag->value, "FILE") == 0;
}

/* In single quotes; our own texts have none inside but the apostrophe. */
static void print_quoted(const char *text, const char *escaped_quote, FILE *out)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs(escaped_quote, out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}

static void bash_flag_name(const struct command *command, const struct flag *flag, FILE *out)
{
	(void)command;
	fprintf(out, " --%s", flag->name);
}

static void bash_flag_values(const struct command *command, const struct flag *flag, FILE *out)
{
	if (!flag->value)
		return;
	fprintf(out, "\t%s:--%s) ", command->name, flag->name);
	if (takes_file(flag))
		fputs("COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", out);
	else
		fprintf(out, "words='%s' ;;\n", flag->choices ? flag->choices : "");
}

static void print_bash(const struct command *commands, FILE *out)
{
	fputs("# bash completion of core-agent\n"
	      "_core_agent() {\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal command= words= i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n"
	      "\tdone\n"
	      "\tcase $command:$before in\n", out);
	for (const struct command *command = commands; command->name; command++)
		for_each_flag(command, bash_flag_values, out);
	fputs("\t*) case $command in\n\t'') words='", out);
	print_names(commands, out);
	for_each_flag(commands, bash_flag_name, out);
	fputs("' ;;\n", out);
	for (const struct command *command = commands; command->name; command++) {
		fprintf(out, "\t%s) words='%s", command->name,
			command->choices ? command->choices : "");
		for_each_flag(command, bash_flag_name, out);
		fputs("' ;;\n", out);
	}
	fputs("\tesac ;;\n\tesac\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	      "}\n"
	      "complete -F _core_agent core-agent\n", out);
}

/* The one that a line without a command means. */
static bool is_default(const struct command *command)
{
	return command == cli_commands;
}

static void zsh_flag(const struct command *command, const struct flag *flag, FILE *out)
{
	(void)command;
	fprintf(out, " \\\n\t\t'--%s%s[", flag->name, flag->value ? "=" : "");
	for (const char *c = flag->help; *c; c++) /* what ends or splits a specification */
		if (strchr("[]:'\\", *c))
			fputc(' ', out);
		else
			fputc(*c, out);
	fputc(']', out);
	if (takes_file(flag))
		fputs(":file:_files", out);
	else if (flag->value)
		fprintf(out, ":%s:(%s)", flag->value, flag->choices ? flag->choices : "");
	fputc('\'', out);
}

static void print_zsh(const struct command *commands, FILE *out)
{
	fputs("#compdef core-agent\n"
	      "_core_agent() {\n"
	      "\tlocal -a commands=(\n", out);
	for (const struct command *command = commands; command->name; command++)
		fprintf(out, "\t\t'%s:%s'\n", command->name, command->summary);
	fputs("\t)\n"
	      "\tif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
	      "\t\t_describe command commands; return\n"
	      "\tfi\n"
	      "\tcase $words[2] in\n", out);
	for (const struct command *command = commands; command->name; command++) {
		fprintf(out, "\t%s%s) _arguments '1: :(%s)' '2: :(%s)'", command->name,
			is_default(command) ? "|-*" : "", command->name,
			command->choices ? command->choices : "");
		for_each_flag(command, zsh_flag, out);
		fputs(" ;;\n", out);
	}
	fputs("\tesac\n"
	      "}\n"
	      "compdef _core_agent core-agent\n", out);
}

static void fish_flag(const struct command *command, const struct flag *flag, FILE *out)
{
	fprintf(out, "complete -c core-agent -n '%s__fish_seen_subcommand_from %s' -l %s",
		is_default(command) ? "__fish_use_subcommand; or " : "", command->name, flag->name);
	if (flag->value)
		fputs(takes_file(flag) ? " -r -F" : " -x", out);
	if (flag->choices)
		fprintf(out, " -a '%s'", flag->choices);
	fputs(" -d ", out);
	print_quoted(flag->help, "\\'", out);
	fputc('\n', out);
}

static void print_fish(const struct command *commands, FILE *out)
{
	fputs("# fish completion of core-agent\ncomplete -c core-agent -f\n", out);
	for (const struct command *command = commands; command->name; command++) {
		fputs("complete -c core-agent -n __fish_use_subcommand -a ", out);
		fprintf(out, "%s -d ", command->name);
		print_quoted(command->summary, "\\'", out);
		fputc('\n', out);
		if (command->choices)
			fprintf(out, "complete -c core-agent -n '__fish_seen_subcommand_from %s' -a "
				     "'%s'\n", command->name, command->choices);
		for_each_flag(command, fish_flag, out);
	}
}

static const struct {
	const char *name;
	void (*print)(const struct command *commands, FILE *out);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

int command_completion(struct cli *cli)
{
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].name, cli->arguments.words[0]) != 0)
			continue;
		shells[i].print(cli_commands, stdout);
		return cli_flush(CLI_DONE);
	}
	return cli_fail(CLI_USAGE, "completion is followed by bash, zsh or fish");
}
