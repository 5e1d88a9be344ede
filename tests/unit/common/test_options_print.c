/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "options_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	char *example;
	char *help;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	size_t size;
	FILE *out;

	assert_non_null(fixture);
	out = open_memstream(&fixture->example, &size);
	assert_non_null(out);
	options_print_example(sample_table, SAMPLE_N, "Settings of the sample.", out);
	assert_int_equal(fclose(out), 0);
	out = open_memstream(&fixture->help, &size);
	assert_non_null(out);
	options_print_help(sample_table, SAMPLE_N, out);
	assert_int_equal(fclose(out), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	free(fixture->example);
	free(fixture->help);
	free(fixture);
	return 0;
}

/* What a user does to set everything: takes away each "# " that is no "## ". */
static void remove_hash_signs(char *text)
{
	char *to = text;
	bool is_line_start = true;

	for (const char *from = text; *from; from++) {
		if (is_line_start && strncmp(from, "# ", 2) == 0) {
			from += 2;
			is_line_start = false;
		}
		if (*from == '\n')
			is_line_start = true;
		else if (*from != ' ')
			is_line_start = false;
		*to++ = *from;
	}
	*to = '\0';
}

static void load(const char *text, struct sample *sample)
{
	struct option_error error = { "" };
	int r = options_load_bytes(sample_table, SAMPLE_N, sample, "example", text, strlen(text),
				   &error);

	assert_string_equal(error.text, "");
	assert_int_equal(r, 0);
}

static void example_as_it_is_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample = { 0 };

	load(fixture->example, &sample);

	assert_int_equal(sample.port, 5001);
	options_free(sample_table, SAMPLE_N, &sample);
}

static void example_without_hash_signs_loads_to_the_defaults(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample = { 0 };

	remove_hash_signs(fixture->example);
	load(fixture->example, &sample);

	assert_true(sample.is_enabled);
	assert_int_equal(sample.port, 5001);
	assert_int_equal(sample.any_number, 0);
	assert_int_equal(sample.interval_ns, UINT64_C(30000000000));
	assert_string_equal(sample.path, "a \"b\" c: \\d");
	assert_string_equal(sample.api_key, "");
	assert_int_equal(sample.level, SAMPLE_INFO);
	assert_int_equal(sample.ports.n, 1);
	assert_string_equal(sample.ports.items[0], "53");
	assert_int_equal(sample.exporters.n, 3);
	assert_string_equal(sample.exporters.items[1], "null");
	assert_string_equal(options_map_find(&sample.labels, "com.x.app"), "app");
	options_free(sample_table, SAMPLE_N, &sample);
}

/* Each key stands there, with a changed value, so the test above cannot pass by silence. */
static void value_changed_in_the_example_is_taken(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample = { 0 };
	char *value;

	remove_hash_signs(fixture->example);
	value = strstr(fixture->example, "interval: 30s\n");
	assert_non_null(value);
	memcpy(value, "interval: 31s\n", strlen("interval: 31s\n"));
	load(fixture->example, &sample);

	assert_int_equal(sample.interval_ns, UINT64_C(31000000000));
	options_free(sample_table, SAMPLE_N, &sample);
}

static void example_has_the_expected_text(void **state)
{
	static const char expected[] =
		"## Settings of the sample.\n"
		"##\n"
		"## Lines with two hash signs explain. To change a setting, remove the\n"
		"## \"# \" before its key and before the section it stands in.\n"
		"\n"
		"## Lines above this level are dropped.\n"
		"## Takes one of error, warn, info. Default: info.\n"
		"## Environment: DD_LOG_LEVEL.\n"
		"# log_level: info\n"
		"\n"
		"# network_config:\n"
		"\n"
		"  ## Watch connections.\n"
		"  ## Takes true or false. Default: true.\n"
		"  ## Environment: DD_NETWORK_CONFIG_ENABLED, DD_SAMPLE_FIRST, DD_SAMPLE_SECOND.\n"
		"  # enabled: true\n"
		"\n"
		"  ## Ports whose datagrams are read.\n"
		"  ## Takes a list of at most 64 words. Default: [\"53\"].\n"
		"  ## Environment: DD_NETWORK_CONFIG_PORTS.\n"
		"  # ports: [\"53\"]\n"
		"\n"
		"  # poll:\n"
		"\n"
		"    ## Time between two polls.\n"
		"    ## Takes a duration such as 500ms, 30s, 5m or 1h, from 1s to 1h. Default: 30s.\n"
		"    ## Environment: DD_NETWORK_CONFIG_POLL_INTERVAL.\n"
		"    # interval: 30s\n"
		"\n"
		"## Port of the command interface.\n"
		"## Takes a whole number from 1 to 65535. Default: 5001.\n"
		"## Environment: DD_CMD_PORT.\n"
		"# cmd_port: 5001\n";
	struct fixture *fixture = *state;

	fixture->example[strlen(expected)] = '\0';
	assert_string_equal(fixture->example, expected);
}

static void settings_without_effect_are_listed_by_name(void **state)
{
	struct fixture *fixture = *state;

	assert_non_null(strstr(fixture->example,
			       "\n## Known from other agents, accepted, without effect here:\n"
			       "##   network_config.source_excludes\n"
			       "##   internal_profiling\n"));
}

static void help_has_key_type_range_default_environment_and_help(void **state)
{
	struct fixture *fixture = *state;

	assert_non_null(strstr(fixture->help,
			       "\ncmd_port\n"
			       "    Port of the command interface.\n"
			       "    Takes a whole number from 1 to 65535. Default: 5001.\n"
			       "    Environment: DD_CMD_PORT.\n"));
}

static void long_help_is_wrapped(void **state)
{
	static const struct option row[] = {
		{ .key = "x", .type = OPTION_BOOL,
		  .help = "One two three four five six seven eight nine ten eleven twelve thirteen "
			  "fourteen fifteen sixteen." },
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	options_print_help(row, 1, out);
	assert_int_equal(fclose(out), 0);

	assert_non_null(strstr(text, "fourteen\n    fifteen sixteen.\n"));
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(example_as_it_is_changes_nothing),
		TEST(example_without_hash_signs_loads_to_the_defaults),
		TEST(value_changed_in_the_example_is_taken),
		TEST(example_has_the_expected_text),
		TEST(settings_without_effect_are_listed_by_name),
		TEST(help_has_key_type_range_default_environment_and_help),
		TEST(long_help_is_wrapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
