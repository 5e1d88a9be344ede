/* SPDX-License-Identifier: Apache-2.0 */
#include "options_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct option *row_of(const char *key)
{
	return options_find(sample_table, SAMPLE_N, key);
}

static void load(struct sample *sample, const char *yaml)
{
	struct option_error error;

	memset(sample, 0, sizeof(*sample));
	assert_int_equal(options_load_bytes(sample_table, SAMPLE_N, sample, "file", yaml,
					    strlen(yaml), &error),
			 0);
}

static void a_row_is_found_by_its_whole_key(void **state)
{
	(void)state;
	assert_string_equal(row_of("cmd_port")->key, "cmd_port");
	assert_null(row_of("cmd_por"));
	assert_null(row_of("network_config"));
}

static void one_field_is_set_within_its_range(void **state)
{
	struct option_error error = {{0}};
	struct sample sample = {0};

	(void)state;
	assert_int_equal(options_set(row_of("cmd_port"), &sample, "80", 2, &error), 0);
	assert_int_equal(sample.port, 80);
	assert_int_equal(options_set(row_of("cmd_port"), &sample, "70000", 5, &error), -EINVAL);
	assert_int_equal(sample.port, 80);
	assert_non_null(strstr(error.text, "cmd_port: "));
	assert_non_null(strstr(error.text, "from 1 to 65535"));
}

static void equal_values_are_equal_whatever_their_type(void **state)
{
	static const char yaml[] = "path: one\nexporters: [a, b]\ncmd_port: 7\n"
				   "labels_as_tags: {a: b, c: d}\n";
	struct sample a, b;

	(void)state;
	load(&a, yaml);
	load(&b, yaml);
	for (size_t i = 0; i < SAMPLE_N; i++)
		if (sample_table[i].type != OPTION_NO_EFFECT)
			assert_true(options_is_equal(&sample_table[i], &a, &b));
	options_free(sample_table, SAMPLE_N, &b);
	load(&b, "path: two\nexporters: [a, c]\ncmd_port: 8\nlog_level: error\n"
		 "labels_as_tags: {a: b, c: e}\n");
	assert_false(options_is_equal(row_of("path"), &a, &b));
	assert_false(options_is_equal(row_of("exporters"), &a, &b));
	assert_false(options_is_equal(row_of("cmd_port"), &a, &b));
	assert_false(options_is_equal(row_of("log_level"), &a, &b));
	assert_false(options_is_equal(row_of("labels_as_tags"), &a, &b));
	options_free(sample_table, SAMPLE_N, &a);
	options_free(sample_table, SAMPLE_N, &b);
}

static void swapped_fields_keep_their_owners_apart(void **state)
{
	struct sample a, b;

	(void)state;
	load(&a, "path: one\nexporters: [a]\n");
	load(&b, "path: two\nexporters: [b, c]\n");
	options_swap(row_of("path"), &a, &b);
	options_swap(row_of("exporters"), &a, &b);
	assert_string_equal(a.path, "two");
	assert_string_equal(b.path, "one");
	assert_int_equal(a.exporters.n, 2);
	assert_string_equal(b.exporters.items[0], "a");
	options_free(sample_table, SAMPLE_N, &a);
	options_free(sample_table, SAMPLE_N, &b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_found_by_its_whole_key),
		cmocka_unit_test(one_field_is_set_within_its_range),
		cmocka_unit_test(equal_values_are_equal_whatever_their_type),
		cmocka_unit_test(swapped_fields_keep_their_owners_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
