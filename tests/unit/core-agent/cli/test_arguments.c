/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct flag shared[] = {{"config", "FILE", "", NULL, false},
				     {"help", NULL, "", NULL, false},
				     {0}};
static const struct flag filters[] = {{"pid", "PID", "", NULL, true},
				      {"proto", "PROTO", "", "tcp udp", true},
				      {"limit", "N", "", NULL, true},
				      {0}};
static const struct command commands[] = {
	{"run", "", "", NULL, (const struct flag *const[]){shared, NULL}, 0, 0, NULL},
	{"connections", "", "", NULL, (const struct flag *const[]){filters, shared, NULL}, 0, 0,
	 NULL},
	{"config", "get KEY", "", NULL, (const struct flag *const[]){shared, NULL}, 1, 2, NULL},
	{0},
};

static int parse(const char *line, struct arguments *arguments, struct arguments_error *error)
{
	static char copy[512];
	char *argv[16] = {"core-agent"}, *rest = copy;
	int argc = 1;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *word; *copy && (word = strsep(&rest, " "));)
		argv[argc++] = word;
	return arguments_parse(commands, argc, argv, arguments, error);
}

static struct arguments parsed(const char *line)
{
	struct arguments arguments;
	struct arguments_error error = {{0}};

	assert_int_equal(parse(line, &arguments, &error), 0);
	return arguments;
}

static void assert_refused(const char *line, const char *wanted)
{
	struct arguments arguments;
	struct arguments_error error = {{0}};

	assert_int_equal(parse(line, &arguments, &error), -EINVAL);
	assert_string_equal(error.text, wanted);
}

static void no_command_is_the_first_one(void **state)
{
	struct arguments arguments = parsed("");

	(void)state;
	assert_string_equal(arguments.command->name, "run");
}

static void values_follow_an_equals_sign_or_a_space(void **state)
{
	struct arguments arguments = parsed("connections --pid=7 --proto tcp");

	(void)state;
	assert_string_equal(arguments_get(&arguments, "pid"), "7");
	assert_string_equal(arguments_get(&arguments, "proto"), "tcp");
	assert_null(arguments_get(&arguments, "limit"));
}

static void the_last_of_several_values_counts(void **state)
{
	struct arguments arguments = parsed("connections --pid 1 --pid 2");

	(void)state;
	assert_string_equal(arguments_get(&arguments, "pid"), "2");
}

static void common_options_may_stand_before_the_command(void **state)
{
	struct arguments arguments = parsed("--config x connections --pid 1");

	(void)state;
	assert_string_equal(arguments.command->name, "connections");
	assert_string_equal(arguments_get(&arguments, "config"), "x");
}

static void words_are_kept_and_a_double_dash_ends_options(void **state)
{
	struct arguments arguments = parsed("config -- get --pid");

	(void)state;
	assert_int_equal(arguments.n_words, 2);
	assert_string_equal(arguments.words[1], "--pid");
}

static void unknown_command_names_the_nearest(void **state)
{
	(void)state;
	assert_refused("conections", "there is no command conections; did you mean connections?");
	assert_refused("conn", "there is no command conn; did you mean connections?");
	assert_refused("zzz", "there is no command zzz; see core-agent --help");
}

static void unknown_option_names_the_nearest(void **state)
{
	(void)state;
	assert_refused("connections --prto tcp",
		       "connections has no option --prto; did you mean --proto?");
	assert_refused("run --pid 1", "run has no option --pid; see core-agent run --help");
}

static void wrong_use_of_values_is_refused(void **state)
{
	(void)state;
	assert_refused("connections --pid", "--pid wants a value: --pid PID");
	assert_refused("run --help=x", "--help takes no value");
	assert_refused("run -c x", "options have two dashes and a name: -c; see core-agent --help");
}

static void too_many_and_too_few_words_are_refused(void **state)
{
	(void)state;
	assert_refused("run x", "run: there is no place for x; see core-agent run --help");
	assert_refused("config", "config wants more: core-agent config get KEY");
}

static void help_needs_nothing_else(void **state)
{
	struct arguments arguments = parsed("config --help --nonsense");

	(void)state;
	assert_non_null(arguments_get(&arguments, "help"));
}

static void what_was_typed_cannot_move_the_cursor(void **state)
{
	(void)state;
	assert_refused("\033[2J", "there is no command ?[2J; see core-agent --help");
}

static void numbers_have_bounds(void **state)
{
	struct arguments arguments = parsed("connections --limit 20 --pid 0");
	size_t n = 5;

	(void)state;
	assert_int_equal(arguments_get_number(&arguments, "proto", 100, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(arguments_get_number(&arguments, "limit", 20, &n), 0);
	assert_int_equal(n, 20);
	assert_int_equal(arguments_get_number(&arguments, "limit", 19, &n), -EINVAL);
	assert_int_equal(arguments_get_number(&arguments, "pid", 19, &n), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_command_is_the_first_one),
		cmocka_unit_test(values_follow_an_equals_sign_or_a_space),
		cmocka_unit_test(the_last_of_several_values_counts),
		cmocka_unit_test(common_options_may_stand_before_the_command),
		cmocka_unit_test(words_are_kept_and_a_double_dash_ends_options),
		cmocka_unit_test(unknown_command_names_the_nearest),
		cmocka_unit_test(unknown_option_names_the_nearest),
		cmocka_unit_test(wrong_use_of_values_is_refused),
		cmocka_unit_test(too_many_and_too_few_words_are_refused),
		cmocka_unit_test(help_needs_nothing_else),
		cmocka_unit_test(what_was_typed_cannot_move_the_cursor),
		cmocka_unit_test(numbers_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
