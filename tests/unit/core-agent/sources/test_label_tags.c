/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "options.h"
#include "sources/label_tags.h"
#include "tags/tag_list.h"

/* The tags of one label by one rule, as text with spaces between. */
static const char *tags_of(char *pattern, char *key, const char *label, const char *value)
{
	static char text[512];
	struct option_pair pair = {pattern, key};
	const struct option_map rules = {&pair, pattern ? 1 : 0}, none = {0};
	const struct option_map *const both[] = {&none, &rules};
	struct tag_list list;

	tag_list_clear(&list);
	label_tags_add(&list, both, 2, label, value);
	text[0] = '\0';
	for (size_t i = 0; i < list.n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, tag_list_get(&list, i));
	}
	return text;
}

static void label_without_a_rule_is_no_tag(void **state)
{
	(void)state;
	assert_string_equal(tags_of(NULL, NULL, "app", "web"), "");
	assert_string_equal(tags_of("ap", "x", "app", "web"), "");
}

static void rule_names_the_key_of_the_tag(void **state)
{
	(void)state;
	assert_string_equal(tags_of("com.example.app", "app", "com.example.app", "web"),
			    "app:web");
	assert_string_equal(tags_of("com.example.APP", "app", "com.example.app", "web"),
			    "app:web");
}

static void pattern_takes_all_that_match(void **state)
{
	(void)state;
	assert_string_equal(tags_of("com.*", "from", "com.example", "web"), "from:web");
	assert_string_equal(tags_of("com.*", "from", "org.example", "web"), "");
}

static void template_stands_for_the_label(void **state)
{
	(void)state;
	assert_string_equal(tags_of("*", "%%label%%", "app", "web"), "app:web");
	assert_string_equal(tags_of("*", "l_%%label%%_x%%label%%", "app", "web"),
			    "l_app_xapp:web");
}

static void endless_template_is_cut(void **state)
{
	static char label[3000], template[3000];

	(void)state;
	memset(label, 'l', sizeof(label) - 1);
	for (size_t i = 0; i + 9 < sizeof(template); i += 9)
		memcpy(template + i, "%%label%%", 10);
	assert_int_equal(strlen(tags_of("*", template, label, "v")), 100 + strlen(":v"));
}

static void standard_labels_are_tags_without_a_rule(void **state)
{
	(void)state;
	assert_string_equal(tags_of(NULL, NULL, "com.datadoghq.tags.service", "shop"),
			    "service:shop");
	assert_string_equal(tags_of(NULL, NULL, "com.datadoghq.tags.env", "prod"), "env:prod");
	assert_string_equal(tags_of(NULL, NULL, "com.datadoghq.tags.version", "2"), "version:2");
	assert_string_equal(tags_of(NULL, NULL, "io.kubernetes.pod.namespace", "n"),
			    "kube_namespace:n");
	assert_string_equal(tags_of(NULL, NULL, "io.kubernetes.pod.name", "p"), "pod_name:p");
	assert_string_equal(tags_of(NULL, NULL, "io.kubernetes.container.name", "c"),
			    "kube_container_name:c");
}

static void rule_adds_to_the_standard_tag(void **state)
{
	(void)state;
	assert_string_equal(tags_of("io.*", "x", "io.kubernetes.pod.name", "p"),
			    "pod_name:p x:p");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(label_without_a_rule_is_no_tag),
		cmocka_unit_test(rule_names_the_key_of_the_tag),
		cmocka_unit_test(pattern_takes_all_that_match),
		cmocka_unit_test(template_stands_for_the_label),
		cmocka_unit_test(endless_template_is_cut),
		cmocka_unit_test(standard_labels_are_tags_without_a_rule),
		cmocka_unit_test(rule_adds_to_the_standard_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
