/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include "options_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ALLOWED                                                                                    \
	"; allowed: a mapping of at most 64 words to words, such as {\"a\": \"b\"}"

static const struct option *labels_row(void)
{
	return options_find(sample_table, SAMPLE_N, "labels_as_tags");
}

static int set(struct sample *sample, const char *text, struct options_problem *problem)
{
	return options_value_set(labels_row(), sample, text, strlen(text), problem);
}

/* `text` is refused, says `wrong`, and the old value stays. */
static void expect_problem(const char *text, const char *wrong)
{
	struct options_problem problem = { "" };
	struct sample sample = { 0 };

	assert_int_equal(set(&sample, "{kept: yes}", &problem), 0);
	assert_int_equal(set(&sample, text, &problem), -EINVAL);
	assert_string_equal(problem.text, wrong);
	assert_int_equal(sample.labels.n, 1);
	assert_string_equal(options_map_find(&sample.labels, "kept"), "yes");
	options_free(sample_table, SAMPLE_N, &sample);
}

static void json_object_is_a_mapping(void **state)
{
	struct options_problem problem;
	struct sample sample = { 0 };

	(void)state;
	assert_int_equal(set(&sample, "{\"app.kubernetes.io/name\":\"app\", \"t\\u00e9\\/\":\"%%label%%\"}",
			     &problem), 0);
	assert_int_equal(sample.labels.n, 2);
	assert_string_equal(options_map_find(&sample.labels, "app.kubernetes.io/name"), "app");
	assert_string_equal(options_map_find(&sample.labels, "t\xc3\xa9/"), "%%label%%");
	options_free(sample_table, SAMPLE_N, &sample);
}

static void empty_object_empties_the_mapping(void **state)
{
	struct options_problem problem;
	struct sample sample = { 0 };

	(void)state;
	assert_int_equal(set(&sample, "{a: b}", &problem), 0);
	assert_int_equal(set(&sample, "{}", &problem), 0);
	assert_int_equal(sample.labels.n, 0);
	options_free(sample_table, SAMPLE_N, &sample);
}

static void what_is_no_mapping_is_refused(void **state)
{
	(void)state;
	expect_problem("app", "\"app\" is no mapping" ALLOWED);
	expect_problem("[a]", "\"[a]\" is no mapping" ALLOWED);
	expect_problem("{\"a\":\"b\"", "\"{\"a\":\"b\"\" is no mapping" ALLOWED);
	expect_problem("{a: b} c", "\"{a: b} c\" is no mapping" ALLOWED);
	expect_problem("", "\"\" is no mapping" ALLOWED);
}

static void value_that_is_no_word_is_refused(void **state)
{
	(void)state;
	expect_problem("{a: {b: c}}", "\"{a: {b: c}}\" is no mapping" ALLOWED);
	expect_problem("{a: &b c}", "\"{a: &b c}\" is no mapping" ALLOWED);
	expect_problem("{a: *b}", "\"{a: *b}\" is no mapping" ALLOWED);
	expect_problem("{a: \"\"}", "\"a\" is empty, or its value is" ALLOWED);
}

static void key_given_twice_is_refused(void **state)
{
	(void)state;
	expect_problem("{a: b, a: b}", "\"a\" is set twice" ALLOWED);
}

static void mapping_over_the_limit_is_refused(void **state)
{
	char text[1024] = "{";

	(void)state;
	for (int i = 0; i < OPTION_MAX_LIST; i++)
		(void)sprintf(text + strlen(text), "k%d: v,", i);
	expect_problem(strcat(text, "last: v}"), "\"last\" is one word too many" ALLOWED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_object_is_a_mapping),
		cmocka_unit_test(empty_object_empties_the_mapping),
		cmocka_unit_test(what_is_no_mapping_is_refused),
		cmocka_unit_test(value_that_is_no_word_is_refused),
		cmocka_unit_test(key_given_twice_is_refused),
		cmocka_unit_test(mapping_over_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
