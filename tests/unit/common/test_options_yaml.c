/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "log.h"
#include "options_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct sample sample;
	struct option_error error;
	FILE *log;
	int saved_stderr;
	char text[4096];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->log = tmpfile();
	assert_non_null(fixture->log);
	fixture->saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(fileno(fixture->log), STDERR_FILENO) >= 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	(void)dup2(fixture->saved_stderr, STDERR_FILENO);
	(void)close(fixture->saved_stderr);
	(void)fclose(fixture->log);
	options_free(sample_table, SAMPLE_N, &fixture->sample);
	free(fixture);
	return 0;
}

static int load(struct fixture *fixture, const char *text)
{
	return options_load_bytes(sample_table, SAMPLE_N, &fixture->sample, "f.yaml", text,
				  strlen(text), &fixture->error);
}

static const char *logged(struct fixture *fixture)
{
	ssize_t n = pread(fileno(fixture->log), fixture->text, sizeof(fixture->text) - 1, 0);

	fixture->text[n > 0 ? n : 0] = '\0';
	return fixture->text;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* `text` is refused with exactly this error. */
static void expect_error(void **state, const char *text, const char *error)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, text), -EINVAL);
	assert_string_equal(fixture->error.text, error);
}

static void nested_keys_are_found_by_their_dotted_path(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "network_config:\n"
				       "  enabled: false\n"
				       "  poll:\n"
				       "    interval: 5m\n"
				       "cmd_port: 6001\n"), 0);

	assert_false(fixture->sample.is_enabled);
	assert_int_equal(fixture->sample.interval_ns, UINT64_C(300000000000));
	assert_int_equal(fixture->sample.port, 6001);
}

static void dotted_key_means_the_same_as_nesting(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "network_config.poll.interval: 90\n"), 0);

	assert_int_equal(fixture->sample.interval_ns, UINT64_C(90000000000));
}

static void empty_file_leaves_the_defaults(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, ""), 0);

	assert_true(fixture->sample.is_enabled);
	assert_int_equal(fixture->sample.port, 5001);
	assert_int_equal(fixture->sample.any_number, 0);
	assert_int_equal(fixture->sample.interval_ns, UINT64_C(30000000000));
	assert_string_equal(fixture->sample.path, "a \"b\" c: \\d");
	assert_string_equal(fixture->sample.api_key, "");
	assert_int_equal(fixture->sample.level, SAMPLE_INFO);
	assert_int_equal(fixture->sample.ports.n, 1);
	assert_string_equal(fixture->sample.ports.items[0], "53");
}

static void file_of_comments_leaves_the_defaults(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "# cmd_port: 1\n---\n# more\n"), 0);
	assert_int_equal(fixture->sample.port, 5001);
}

static void null_value_leaves_the_default(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "cmd_port:\npath: ~\nexporters: null\n"), 0);

	assert_int_equal(fixture->sample.port, 5001);
	assert_string_equal(fixture->sample.path, "a \"b\" c: \\d");
	assert_int_equal(fixture->sample.exporters.n, 3);
}

static void quoted_null_is_text(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "path: \"null\"\napi_key: ''\n"), 0);

	assert_string_equal(fixture->sample.path, "null");
	assert_string_equal(fixture->sample.api_key, "");
}

static void section_whose_keys_are_all_commented_out_is_accepted(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "network_config:\n  # enabled: false\ncmd_port: 7\n"), 0);
	assert_int_equal(fixture->sample.port, 7);
}

static void list_is_read_from_a_sequence(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "exporters:\n  - jsonl\n  - \"a, b\"\n"), 0);

	assert_int_equal(fixture->sample.exporters.n, 2);
	assert_string_equal(fixture->sample.exporters.items[0], "jsonl");
	assert_string_equal(fixture->sample.exporters.items[1], "a, b");
}

static void list_is_read_from_words(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "exporters: jsonl, local\n"), 0);

	assert_int_equal(fixture->sample.exporters.n, 2);
	assert_string_equal(fixture->sample.exporters.items[1], "local");
}

static void empty_sequence_empties_the_list(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "exporters: []\n"), 0);
	assert_int_equal(fixture->sample.exporters.n, 0);
}

static void mapping_of_words_is_read(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "labels_as_tags:\n  a.b/c: d\n  \"e\": f\ncmd_port: 7\n"), 0);

	assert_int_equal(fixture->sample.labels.n, 2);
	assert_string_equal(options_map_find(&fixture->sample.labels, "a.b/c"), "d");
	assert_string_equal(options_map_find(&fixture->sample.labels, "e"), "f");
	assert_null(options_map_find(&fixture->sample.labels, "com.x.app"));
	assert_int_equal(fixture->sample.port, 7);
}

static void mapping_may_be_written_as_text(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "labels_as_tags: '{\"a\": \"b\"}'\n"), 0);

	assert_int_equal(fixture->sample.labels.n, 1);
	assert_string_equal(options_map_find(&fixture->sample.labels, "a"), "b");
}

static void word_set_twice_in_a_mapping_is_refused(void **state)
{
	expect_error(state, "labels_as_tags:\n  a: b\n  a: c\n",
		     "f.yaml:3: labels_as_tags: \"a\" is set twice; allowed: a mapping of at most 64 "
		     "words to words, such as {\"a\": \"b\"}");
}

static void list_in_a_mapping_is_refused(void **state)
{
	expect_error(state, "labels_as_tags:\n  a: [b]\n",
		     "f.yaml:2: labels_as_tags: found more than words in the mapping; allowed: a "
		     "mapping of at most 64 words to words, such as {\"a\": \"b\"}");
}

static void null_in_a_mapping_is_refused(void **state)
{
	expect_error(state, "labels_as_tags:\n  a:\n",
		     "f.yaml:2: labels_as_tags: \"a\" is empty, or its value is; allowed: a mapping "
		     "of at most 64 words to words, such as {\"a\": \"b\"}");
}

static void null_in_a_list_is_refused(void **state)
{
	expect_error(state, "exporters:\n  - a\n  - null\n",
		     "f.yaml:3: exporters: \"\" is an empty item; allowed: a list of at most 64 "
		     "words");
}

static void list_over_the_limit_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char text[1024] = "exporters:\n";

	for (size_t i = 0; i < OPTION_MAX_LIST + 1; i++)
		strcat(text, "  - x\n");
	assert_int_equal(load(fixture, text), -EINVAL);

	assert_string_equal(fixture->error.text,
			    "f.yaml:66: exporters: \"x\" is one item too many; allowed: a list of "
			    "at most 64 words");
}

static void list_in_a_list_is_refused(void **state)
{
	expect_error(state, "exporters:\n  - [a]\n",
		     "f.yaml:2: exporters: found a list in the list; allowed: a list of at most 64 "
		     "words");
}

static void unknown_key_names_line_and_nearest_known_key(void **state)
{
	expect_error(state, "cmd_port: 1\nnetwork_config:\n  enabeld: true\n",
		     "f.yaml:3: network_config.enabeld: unknown key; the nearest known key is "
		     "network_config.enabled");
}

static void unknown_section_names_the_nearest_section(void **state)
{
	expect_error(state, "netwrok_config:\n  enabled: true\n",
		     "f.yaml:1: netwrok_config: unknown key; the nearest known key is "
		     "network_config");
}

static void control_characters_of_an_unknown_key_are_not_shown(void **state)
{
	expect_error(state, "\"cmd\\e[port\": 1\n",
		     "f.yaml:1: cmd?[port: unknown key; the nearest known key is cmd_port");
}

static void wrong_type_names_line_key_and_what_is_allowed(void **state)
{
	expect_error(state, "\ncmd_port: many\n",
		     "f.yaml:2: cmd_port: \"many\" is not a whole number; allowed: a whole number "
		     "from 1 to 65535");
}

static void mapping_in_place_of_a_value_is_refused(void **state)
{
	expect_error(state, "cmd_port:\n  a: 1\n",
		     "f.yaml:1: cmd_port: found a mapping; allowed: a whole number from 1 to "
		     "65535");
}

static void list_in_place_of_a_value_is_refused(void **state)
{
	expect_error(state, "cmd_port: [1]\n",
		     "f.yaml:1: cmd_port: found a list; allowed: a whole number from 1 to 65535");
}

static void value_in_place_of_a_section_is_refused(void **state)
{
	expect_error(state, "network_config: true\n",
		     "f.yaml:1: network_config: is a section; allowed: a mapping, indented below "
		     "it");
}

static void key_given_twice_is_refused(void **state)
{
	expect_error(state, "cmd_port: 1\ncmd_port: 1\n",
		     "f.yaml:2: cmd_port: set twice; allowed: once");
}

static void key_given_nested_and_dotted_is_refused(void **state)
{
	expect_error(state, "network_config:\n  enabled: true\nnetwork_config.enabled: true\n",
		     "f.yaml:3: network_config.enabled: set twice; allowed: once");
}

static void section_opened_twice_is_refused(void **state)
{
	expect_error(state,
		     "network_config:\n  enabled: true\ncmd_port: 1\nnetwork_config:\n  ports: 1\n",
		     "f.yaml:4: network_config: the section is opened twice; allowed: once");
}

static void setting_without_effect_is_accepted_with_all_below_it(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "network_config:\n"
				       "  source_excludes:\n"
				       "    10.0.0.0/8:\n"
				       "      - \"*\"\n"
				       "      - {a: [b]}\n"
				       "  enabled: false\n"
				       "internal_profiling: [1, 2]\n"
				       "cmd_port: 7\n"), 0);

	assert_false(fixture->sample.is_enabled);
	assert_int_equal(fixture->sample.port, 7);
}

static void setting_without_effect_is_warned_of_once_by_name(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "internal_profiling:\n  enabled: true\n  period: 5\n"), 0);

	assert_int_equal(count_lines(logged(fixture)), 1);
	assert_non_null(strstr(fixture->text, " warn "));
	assert_non_null(strstr(fixture->text, "key=internal_profiling"));
}

static void anchor_is_refused(void **state)
{
	expect_error(state, "path: &a x\n",
		     "f.yaml:1: path: an anchor, alias or tag; write the value out");
}

static void alias_is_refused_even_below_a_setting_without_effect(void **state)
{
	expect_error(state, "internal_profiling:\n  - *a\n",
		     "f.yaml:2: internal_profiling: an anchor, alias or tag; write the value out");
}

static void tag_is_refused(void **state)
{
	expect_error(state, "path: !!binary eA==\n",
		     "f.yaml:1: path: an anchor, alias or tag; write the value out");
}

static void nesting_of_16_levels_is_accepted(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "internal_profiling: [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]\n"), 0);
}

static void nesting_of_17_levels_is_refused(void **state)
{
	expect_error(state, "internal_profiling: [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\n",
		     "f.yaml:1: internal_profiling: nested too deep; allowed: 16 levels");
}

static void second_document_is_refused(void **state)
{
	expect_error(state, "cmd_port: 1\n---\npath: x\n",
		     "f.yaml:2: a second document; allowed: one");
}

static void file_that_is_a_list_is_refused(void **state)
{
	expect_error(state, "- a\n",
		     "f.yaml:1: the file is no mapping; allowed: lines of KEY: VALUE");
}

static void mapping_as_key_is_refused(void **state)
{
	expect_error(state, "{a: b}: c\n",
		     "f.yaml:1: a key is a list or mapping; allowed: a word");
}

static void empty_key_is_refused(void **state)
{
	expect_error(state, "network_config:\n  \"\": 1\n",
		     "f.yaml:2: network_config: \"\" cannot be a key; allowed: 1 to 256 bytes in "
		     "all");
}

static void key_with_a_nul_byte_is_refused(void **state)
{
	expect_error(state, "\"cmd_port\\0\": 1\n",
		     "f.yaml:1: \"cmd_port?\" cannot be a key; allowed: 1 to 256 bytes in all");
}

static void key_over_256_bytes_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char text[300];

	(void)snprintf(text, sizeof(text), "%0257d: 1\n", 0);
	assert_int_equal(load(fixture, text), -EINVAL);

	assert_non_null(strstr(fixture->error.text, "cannot be a key"));
}

static void text_with_a_nul_byte_is_refused(void **state)
{
	expect_error(state, "path: \"a\\0b\"\n",
		     "f.yaml:1: path: \"a?b\" holds a NUL byte; allowed: text of at most 4096 "
		     "bytes");
}

static void broken_yaml_names_the_line(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "cmd_port: 1\n\tpath: x\n"), -EINVAL);

	/* What follows is libyaml's own wording. */
	assert_non_null(strstr(fixture->error.text, "f.yaml:2: not valid YAML: "));
}

static void broken_encoding_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "path: a\xff\n"), -EINVAL);

	assert_non_null(strstr(fixture->error.text, "f.yaml:1: not valid YAML: "));
}

static void refused_secret_is_not_shown(void **state)
{
	expect_error(state, "api_key: \"abc\\0def\"\n",
		     "f.yaml:1: api_key: \"(hidden)\" holds a NUL byte; allowed: text of at most "
		     "4096 bytes");
}

static void error_leaves_the_settings_free_and_zero(void **state)
{
	static const struct sample zero;
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "path: x\nexporters: [a]\ncmd_port: 0\n"), -EINVAL);

	assert_memory_equal(&fixture->sample, &zero, sizeof(zero));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nested_keys_are_found_by_their_dotted_path),
		TEST(dotted_key_means_the_same_as_nesting),
		TEST(empty_file_leaves_the_defaults),
		TEST(file_of_comments_leaves_the_defaults),
		TEST(null_value_leaves_the_default),
		TEST(quoted_null_is_text),
		TEST(section_whose_keys_are_all_commented_out_is_accepted),
		TEST(list_is_read_from_a_sequence),
		TEST(list_is_read_from_words),
		TEST(empty_sequence_empties_the_list),
		TEST(mapping_of_words_is_read),
		TEST(mapping_may_be_written_as_text),
		TEST(word_set_twice_in_a_mapping_is_refused),
		TEST(list_in_a_mapping_is_refused),
		TEST(null_in_a_mapping_is_refused),
		TEST(null_in_a_list_is_refused),
		TEST(list_over_the_limit_is_refused),
		TEST(list_in_a_list_is_refused),
		TEST(unknown_key_names_line_and_nearest_known_key),
		TEST(unknown_section_names_the_nearest_section),
		TEST(control_characters_of_an_unknown_key_are_not_shown),
		TEST(wrong_type_names_line_key_and_what_is_allowed),
		TEST(mapping_in_place_of_a_value_is_refused),
		TEST(list_in_place_of_a_value_is_refused),
		TEST(value_in_place_of_a_section_is_refused),
		TEST(key_given_twice_is_refused),
		TEST(key_given_nested_and_dotted_is_refused),
		TEST(section_opened_twice_is_refused),
		TEST(setting_without_effect_is_accepted_with_all_below_it),
		TEST(setting_without_effect_is_warned_of_once_by_name),
		TEST(anchor_is_refused),
		TEST(alias_is_refused_even_below_a_setting_without_effect),
		TEST(tag_is_refused),
		TEST(nesting_of_16_levels_is_accepted),
		TEST(nesting_of_17_levels_is_refused),
		TEST(second_document_is_refused),
		TEST(file_that_is_a_list_is_refused),
		TEST(mapping_as_key_is_refused),
		TEST(empty_key_is_refused),
		TEST(key_with_a_nul_byte_is_refused),
		TEST(key_over_256_bytes_is_refused),
		TEST(text_with_a_nul_byte_is_refused),
		TEST(broken_yaml_names_the_line),
		TEST(broken_encoding_is_refused),
		TEST(refused_secret_is_not_shown),
		TEST(error_leaves_the_settings_free_and_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
