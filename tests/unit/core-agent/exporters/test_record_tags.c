/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/record_tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tags/tag_list.h"
#include "tags/tag_sets.h"

struct pair {
	const char *key, *value;
};

static const struct tag_set *take(struct tag_sets *sets, const struct pair *pairs)
{
	struct tag_list list;

	tag_list_clear(&list);
	for (; pairs->key; pairs++)
		tag_list_add(&list, pairs->key, pairs->value);
	return tag_sets_take(sets, &list);
}

static void assert_members(enum record_end end, const struct pair *pairs, const char *wanted)
{
	struct tag_sets *sets = tag_sets_new();
	json_t *object = json_pack("{s:i}", "total_bytes_sent", 1);
	char *text;

	assert_int_equal(record_tags_set(object, end, take(sets, pairs)), 0);
	text = json_dumps(object, JSON_COMPACT);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(object);
	tag_sets_free(sets);
}

static void a_key_is_a_member(void **state)
{
	const struct pair tags[] = {{"container_name", "web:1"}, {NULL, NULL}};

	(void)state;
	assert_members(RECORD_LOCAL_END, tags,
		       "{\"total_bytes_sent\":1,\"container_name\":\"web:1\"}");
	assert_members(RECORD_REMOTE_END, tags,
		       "{\"total_bytes_sent\":1,\"remote_container_name\":\"web:1\"}");
}

static void several_values_of_a_key_are_an_array(void **state)
{
	const struct pair tags[] = {
		{"kube_service", "b"}, {"a", "x"}, {"kube_service", "a"}, {NULL, NULL}};

	(void)state;
	assert_members(RECORD_LOCAL_END, tags,
		       "{\"total_bytes_sent\":1,\"a\":\"x\",\"kube_service\":[\"a\",\"b\"]}");
}

static void a_tag_takes_no_place_of_a_field(void **state)
{
	const struct pair local[] = {{"pid", "x"}, {"total_bytes_sent", "y"}, {NULL, NULL}};
	const struct pair remote[] = {{"ip", "x"}, {NULL, NULL}};

	(void)state;
	assert_members(
		RECORD_LOCAL_END, local,
		"{\"total_bytes_sent\":1,\"tag_pid\":\"x\",\"tag_total_bytes_sent\":\"y\"}");
	assert_members(RECORD_REMOTE_END, remote,
		       "{\"total_bytes_sent\":1,\"tag_remote_ip\":\"x\"}");
}

static void names_are_those_documented_and_those_in_use(void **state)
{
	const struct pair tags[] = {{"team", "x"}, {"remote_desk", "y"}, {NULL, NULL}};
	struct tag_sets *sets = tag_sets_new();

	(void)state;
	(void)take(sets, tags);
	assert_true(record_tags_has_field(sets, "kube_service"));
	assert_true(record_tags_has_field(sets, "remote_pod_name"));
	assert_true(record_tags_has_field(sets, "team"));
	assert_true(record_tags_has_field(sets, "remote_team"));
	assert_true(record_tags_has_field(sets, "tag_team"));
	assert_true(record_tags_has_field(sets, "remote_desk"));
	assert_false(record_tags_has_field(sets, "nobody"));
	tag_sets_free(sets);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_a_member),
		cmocka_unit_test(several_values_of_a_key_are_an_array),
		cmocka_unit_test(a_tag_takes_no_place_of_a_field),
		cmocka_unit_test(names_are_those_documented_and_those_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
