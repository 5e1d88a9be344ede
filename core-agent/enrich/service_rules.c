/* SPDX-License-Identifier: Apache-2.0 */
#include "service_rules.h"

#include <string.h>

#include "service_words.h"

static const char *word(const struct service_command *command, size_t i)
{
	return i < command->n ? command->words[i] : "";
}

/* Whether `list`, of names that each end in a space, has this one. */
static bool has_option(const char *list, const char *option)
{
	size_t size = strlen(option);

	for (const char *at = list; at && *at; at = strchr(at, ' ') + 1)
		if (strncmp(at, option, size) == 0 && at[size] == ' ')
			return true;
	return false;
}

static bool has_letter(const char *letters, char letter)
{
	return letters && strchr(letters, letter);
}

enum option_kind { OPTION_ALONE, OPTION_WITH_NEXT, OPTION_STOP };

/* Of a cluster such as -uW: where a letter takes a value, the rest of the word is it. */
static enum option_kind short_kind(const struct service_rule *rule, const char *letters,
				   char *ret_letter)
{
	for (; *letters; letters++) {
		*ret_letter = *letters;
		if (has_letter(rule->stop_letters, *letters))
			return OPTION_STOP;
		if (has_letter(rule->value_letters, *letters))
			return letters[1] ? OPTION_ALONE : OPTION_WITH_NEXT;
	}
	return OPTION_ALONE;
}

static enum option_kind kind_of(const struct service_rule *rule, const char *option,
				char *ret_letter)
{
	*ret_letter = '\0';
	if (has_option(rule->value_options, option))
		return OPTION_WITH_NEXT;
	if (option[1] == '-')
		return has_option(rule->extra, option) ? OPTION_STOP : OPTION_ALONE;
	return short_kind(rule, option + 1, ret_letter);
}

static bool is_assignment(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals && equals > text && strcspn(text, "/ ") > (size_t)(equals - text);
}

/* The first word that is neither option nor value; or of the option that stops there. */
static size_t first_operand(const struct service_command *command, const struct service_rule *rule,
			    size_t at, char *ret_stop)
{
	*ret_stop = '\0';
	for (; at < command->n; at++) {
		const char *text = command->words[at];
		char letter;
		enum option_kind kind;

		if (strcmp(text, "--") == 0)
			return at + 1;
		if (text[0] != '-' || !text[1])
			return at;
		kind = kind_of(rule, text, &letter);
		if (kind == OPTION_STOP) {
			*ret_stop = letter ? letter : '-';
			return at;
		}
		at += kind == OPTION_WITH_NEXT;
	}
	return at;
}

static enum service_step named(bool has_name)
{
	return has_name ? SERVICE_NAMED : SERVICE_NOTHING;
}

static enum service_step runs(struct service_command *command, size_t at)
{
	command->at = at;
	return at < command->n ? SERVICE_RUNS : SERVICE_NOTHING;
}

/* [options] [NAME=value ...] n words, then a program. */
static enum service_step find_wrapped(struct service_command *command,
				      const struct service_rule *rule, char *out)
{
	char stop;
	size_t at = first_operand(command, rule, command->at + 1, &stop);

	(void)out;
	while (at < command->n && is_assignment(command->words[at]))
		at++;
	return runs(command, at + rule->n_positional);
}

/* PROGRAM run WORDS, with `extra` for run; with other words it is itself. */
static enum service_step find_subcommand(struct service_command *command,
					 const struct service_rule *rule, char *out)
{
	char stop;
	const struct service_rule options = { .value_options = rule->value_options };
	size_t at = first_operand(command, &options, command->at + 1, &stop);

	(void)out;
	if (strcmp(word(command, at), rule->extra) != 0)
		return SERVICE_NOTHING;
	return runs(command, first_operand(command, &options, at + 1, &stop));
}

/* [options] SCRIPT; the script may be a launcher with a row of its own. */
static enum service_step find_script(struct service_command *command,
				     const struct service_rule *rule, char *out)
{
	char stop;
	size_t at = first_operand(command, rule, command->at + 1, &stop);

	if (stop || at >= command->n || strcmp(command->words[at], "-") == 0)
		return SERVICE_NOTHING;
	if (service_rule_find(command->words[at]))
		return runs(command, at);
	return named(service_script_name(command->words[at], out));
}

/* What follows a letter in its word, or the next word. */
static size_t value_of_letter(const struct service_command *command, size_t at, char letter,
			      const char **ret)
{
	const char *rest = strchr(command->words[at], letter) + 1;

	*ret = *rest ? rest : word(command, at + 1);
	return *rest ? at : at + 1;
}

/* As find_script(), and -m MODULE. */
static enum service_step find_python(struct service_command *command,
				     const struct service_rule *rule, char *out)
{
	const char *module;
	char stop;
	size_t at = first_operand(command, rule, command->at + 1, &stop);

	if (stop != 'm')
		return find_script(command, rule, out);
	at = value_of_letter(command, at, 'm', &module);
	if (*word(command, at) && module == command->words[at] && service_rule_find(module))
		return runs(command, at);
	return named(service_copy(module, strlen(module), out));
}

/* As find_script(), and -c COMMAND. */
static enum service_step find_shell(struct service_command *command,
				    const struct service_rule *rule, char *out)
{
	char stop;
	size_t at = first_operand(command, rule, command->at + 1, &stop);

	if (stop != 'c')
		return find_script(command, rule, out);
	command->at = at + 1;
	return at + 1 < command->n ? SERVICE_SHELL : SERVICE_NOTHING;
}

/* Value of the first option of the list `names` that is there: --name=value, --name value. */
static const char *option_value(const struct service_command *command, const char *names)
{
	for (size_t i = command->at + 1; i < command->n; i++) {
		const char *text = command->words[i];
		char name[64];
		size_t size = strcspn(text, "=");

		if (text[0] != '-' || size >= sizeof(name))
			continue;
		memcpy(name, text, size);
		name[size] = '\0';
		if (has_option(names, name))
			return text[size] ? text + size + 1 : word(command, i + 1);
	}
	return "";
}

/* [options] PACKAGE.MODULE:APPLICATION; options of `extra` give the name outright. */
static enum service_step find_application(struct service_command *command,
					  const struct service_rule *rule, char *out)
{
	const struct service_rule options = { .value_letters = rule->value_letters,
					     .value_options = rule->value_options };
	const char *name = option_value(command, rule->extra);
	size_t at = command->at + 1;
	char stop;

	if (*name)
		return named(service_copy(name, strlen(name), out));
	for (;; at++) {
		at = first_operand(command, &options, at, &stop);
		if (at >= command->n)
			return SERVICE_NOTHING;
		if (service_module_name(command->words[at], out))
			return SERVICE_NAMED;
	}
}

/* An option of `extra` names the application's module. */
static enum service_step find_application_option(struct service_command *command,
						 const struct service_rule *rule, char *out)
{
	return named(service_module_name(option_value(command, rule->extra), out) ||
		     service_script_name(option_value(command, rule->extra), out));
}

static enum service_step find_uwsgi(struct service_command *command,
				    const struct service_rule *rule, char *out)
{
	const char *name = option_value(command, "--name --procname --procname-master ");
	const char *module = option_value(command, "-w --module --wsgi ");
	const char *file = option_value(command, "--wsgi-file --file --mount ");
	const char *settings = option_value(command, "--ini --yaml --yml --json ");

	(void)rule;
	if (*name)
		return named(service_copy(name, strlen(name), out));
	if (service_module_name(module, out))
		return SERVICE_NAMED;
	return named(service_script_name(file, out) || service_archive_name(settings, out));
}

/* APPLICATION.dll, also behind exec; run --project FOLDER. */
static enum service_step find_dotnet(struct service_command *command,
				     const struct service_rule *rule, char *out)
{
	const char *project = option_value(command, "--project -p ");

	(void)rule;
	for (size_t i = command->at + 1; i < command->n; i++) {
		size_t size = strlen(command->words[i]);

		if (size > 4 && strcmp(command->words[i] + size - 4, ".dll") == 0)
			return named(service_program_name(command->words[i], out));
	}
	return named(*project && service_archive_name(project, out));
}

/* Erlang and Elixir: the name of the node, up to the host. */
static enum service_step find_erlang(struct service_command *command,
				     const struct service_rule *rule, char *out)
{
	const char *node = option_value(command, "-sname -name ");

	(void)rule;
	return named(service_copy(node, strcspn(node, "@"), out));
}

static enum service_step find_fixed(struct service_command *command,
				    const struct service_rule *rule, char *out)
{
	(void)command;
	return named(service_copy(rule->extra, strlen(rule->extra), out));
}

#define SERVER_OPTIONS                                                                             \
	"--bind --host --port --workers --worker-class --threads --config --timeout --log-level "  \
	"--access-logfile --error-logfile --keep-alive --max-requests --max-requests-jitter "      \
	"--graceful-timeout --pid --user --group --umask --chdir --env --certfile --keyfile "      \
	"--worker-connections --backlog --uds --fd --loop --http --ws --lifespan --log-config "    \
	"--reload-dir --app-dir --env-file --root-path --ssl-keyfile --ssl-certfile "              \
	"--interface --forwarded-allow-ips --limit-concurrency --worker-tmp-dir "

const struct service_rule service_rules[] = {
	/* Interpreters. */
	{ .program = "python", .find = find_python, .value_letters = "WXQ", .stop_letters = "mc",
	 .value_options = "--check-hash-based-pycs " },
	{ .program = "pypy", .find = find_python, .value_letters = "WXQ", .stop_letters = "mc" },
	{ .program = "ruby", .find = find_script, .value_letters = "ICrE", .stop_letters = "e" },
	{ .program = "perl", .find = find_script, .value_letters = "I", .stop_letters = "eE" },
	{ .program = "php", .find = find_script, .value_letters = "cdzStf",
	  .stop_letters = "rRBE" },
	{ .program = "node", .find = find_script, .value_letters = "rC", .stop_letters = "ep",
	 .value_options = "--require --import --loader --experimental-loader --conditions --title ",
	 .extra = "--eval --print " },
	{ .program = "nodejs", .find = find_script, .value_letters = "rC", .stop_letters = "ep",
	 .value_options = "--require --import --loader --experimental-loader --conditions --title ",
	 .extra = "--eval --print " },
	{ .program = "ts-node", .find = find_script, .value_letters = "rPCO",
	  .stop_letters = "ep" },
	{ .program = "tsx", .find = find_script, .stop_letters = "ep" },
	{ .program = "sh", .find = find_shell, .value_letters = "oO", .stop_letters = "c" },
	{ .program = "bash", .find = find_shell, .value_letters = "oO", .stop_letters = "c",
	 .value_options = "--rcfile --init-file " },
	{ .program = "dash", .find = find_shell, .value_letters = "o", .stop_letters = "c" },
	{ .program = "ash", .find = find_shell, .value_letters = "o", .stop_letters = "c" },
	{ .program = "zsh", .find = find_shell, .value_letters = "o", .stop_letters = "c" },
	{ .program = "ksh", .find = find_shell, .value_letters = "o", .stop_letters = "c" },
	{ .program = "Rscript", .find = find_script, .stop_letters = "e" },
	{ .program = "mono", .find = find_script },
	{ .program = "java", .find = service_find_java },
	{ .program = "dotnet", .find = find_dotnet },
	{ .program = "beam.smp", .find = find_erlang },

	/* Launchers of applications. */
	{ .program = "gunicorn", .find = find_application, .value_letters = "bwkctpumge",
	 .value_options = SERVER_OPTIONS, .extra = "-n --name " },
	{ .program = "uvicorn", .find = find_application, .value_options = SERVER_OPTIONS },
	{ .program = "hypercorn", .find = find_application, .value_letters = "bwkcpumg",
	 .value_options = SERVER_OPTIONS },
	{ .program = "granian", .find = find_application, .value_options = SERVER_OPTIONS,
	 .extra = "--process-name " },
	{ .program = "daphne", .find = find_application, .value_letters = "pbutevs",
	 .value_options = SERVER_OPTIONS, .extra = "--server-name " },
	{ .program = "celery", .find = find_application_option, .extra = "-A --app " },
	{ .program = "flask", .find = find_application_option, .extra = "-A --app " },
	{ .program = "uwsgi", .find = find_uwsgi },
	{ .program = "redis-server", .find = find_fixed, .extra = "redis" },
	{ .program = "postgres", .find = find_fixed, .extra = "postgres" },

	/* Wrappers, which become what they run, or wait for it. */
	{ .program = "sudo", .find = find_wrapped, .value_letters = "ugChprtTDR",
	 .value_options = "--user --group --chdir --host --prompt --role --type " },
	{ .program = "doas", .find = find_wrapped, .value_letters = "uC" },
	{ .program = "env", .find = find_wrapped, .value_letters = "uC",
	 .value_options = "--unset --chdir " },
	{ .program = "nice", .find = find_wrapped, .value_letters = "n",
	 .value_options = "--adjustment " },
	{ .program = "ionice", .find = find_wrapped, .value_letters = "cnpPu",
	 .value_options = "--class --classdata " },
	{ .program = "timeout", .find = find_wrapped, .value_letters = "ks",
	 .value_options = "--kill-after --signal ", .n_positional = 1 },
	{ .program = "nohup", .find = find_wrapped },
	{ .program = "setsid", .find = find_wrapped },
	{ .program = "stdbuf", .find = find_wrapped, .value_letters = "ioe",
	 .value_options = "--input --output --error " },
	{ .program = "time", .find = find_wrapped, .value_letters = "fo" },
	{ .program = "chrt", .find = find_wrapped, .value_letters = "TPD", .n_positional = 1 },
	{ .program = "taskset", .find = find_wrapped, .n_positional = 1 },
	{ .program = "numactl", .find = find_wrapped, .value_letters = "NmiCpP" },
	{ .program = "chroot", .find = find_wrapped, .n_positional = 1 },
	{ .program = "gosu", .find = find_wrapped, .n_positional = 1 },
	{ .program = "su-exec", .find = find_wrapped, .n_positional = 1 },
	{ .program = "setpriv", .find = find_wrapped,
	 .value_options = "--reuid --regid --groups --inh-caps --ambient-caps --bounding-set " },
	{ .program = "tini", .find = find_wrapped, .value_letters = "pe" },
	{ .program = "docker-init", .find = find_wrapped, .value_letters = "pe" },
	{ .program = "dumb-init", .find = find_wrapped, .value_letters = "r" },
	{ .program = "catatonit", .find = find_wrapped },
	{ .program = "docker-entrypoint.sh", .find = find_wrapped },
	{ .program = "ddtrace-run", .find = find_wrapped },
	{ .program = "opentelemetry-instrument", .find = find_wrapped,
	 .value_options = "--traces_exporter --metrics_exporter --logs_exporter --service_name "
			  "--exporter_otlp_endpoint --resource_attributes " },
	{ .program = "bundle", .find = find_subcommand, .extra = "exec" },
	{ .program = "poetry", .find = find_subcommand, .extra = "run",
	 .value_options = "--directory -C " },
	{ .program = "pipenv", .find = find_subcommand, .extra = "run" },
	{ .program = "uv", .find = find_subcommand, .extra = "run",
	 .value_options = "--directory --project --python --with " },
};

const size_t service_rules_n = sizeof(service_rules) / sizeof(*service_rules);

/* What follows may be a version: python3.11, php8.2. */
static bool is_version(const char *text)
{
	return strspn(text, "0123456789.") == strlen(text);
}

const struct service_rule *service_rule_find(const char *program)
{
	const char *name = service_base_name(program);

	for (size_t i = 0; i < service_rules_n; i++) {
		size_t size = strlen(service_rules[i].program);

		if (strncmp(name, service_rules[i].program, size) == 0 && is_version(name + size))
			return &service_rules[i];
	}
	return NULL;
}
