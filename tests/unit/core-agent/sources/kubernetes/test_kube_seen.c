/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/kubernetes/kube_seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX_OBJECTS 2

struct told {
	char ids[256];
	bool is_refused;
};

static bool tell(enum entity_kind kind, const char *id, void *context)
{
	struct told *told = context;
	size_t size = strlen(told->ids);

	(void)snprintf(told->ids + size, sizeof(told->ids) - size, "%s:%s ",
		       entity_kind_name(kind), id);
	return !told->is_refused;
}

static bool find(struct kube_seen *seen, const char *object, struct told *told)
{
	*told = (struct told){.is_refused = told->is_refused};
	return kube_seen_find(seen, object, strlen(object), tell, told);
}

static void list_once(struct kube_seen *seen, const char *object)
{
	struct told told = {0};

	kube_seen_begin_list(seen);
	assert_false(find(seen, object, &told));
	kube_seen_note(seen, ENTITY_POD, "p");
	kube_seen_note(seen, ENTITY_CONTAINER, "c");
	kube_seen_end_list(seen);
}

static void an_unchanged_object_tells_its_entities(void **state)
{
	struct kube_seen *seen = kube_seen_new(MAX_OBJECTS);
	struct told told = {0};

	(void)state;
	list_once(seen, "{1}");
	kube_seen_begin_list(seen);
	assert_true(find(seen, "{1}", &told));
	assert_string_equal(told.ids, "pod:p container:c ");
	assert_false(find(seen, "{2}", &told));
	kube_seen_free(seen);
}

static void what_was_not_in_the_last_list_is_forgotten(void **state)
{
	struct kube_seen *seen = kube_seen_new(MAX_OBJECTS);
	struct told told = {0};

	(void)state;
	list_once(seen, "{1}");
	list_once(seen, "{2}");
	kube_seen_begin_list(seen);
	assert_false(find(seen, "{1}", &told));
	kube_seen_free(seen);
}

static void a_list_that_fails_forgets_nothing(void **state)
{
	struct kube_seen *seen = kube_seen_new(MAX_OBJECTS);
	struct told told = {0};

	(void)state;
	list_once(seen, "{1}");
	kube_seen_begin_list(seen);
	kube_seen_begin_list(seen);
	assert_true(find(seen, "{1}", &told));
	kube_seen_free(seen);
}

static void an_object_whose_entities_have_gone_is_noted_anew(void **state)
{
	struct kube_seen *seen = kube_seen_new(MAX_OBJECTS);
	struct told told = {.is_refused = true};

	(void)state;
	list_once(seen, "{1}");
	kube_seen_begin_list(seen);
	assert_false(find(seen, "{1}", &told));
	kube_seen_note(seen, ENTITY_POD, "q");
	kube_seen_end_list(seen);
	told.is_refused = false;
	kube_seen_begin_list(seen);
	assert_true(find(seen, "{1}", &told));
	assert_string_equal(told.ids, "pod:q ");
	kube_seen_free(seen);
}

static void without_room_an_object_is_always_new(void **state)
{
	struct kube_seen *seen = kube_seen_new(0);
	struct told told = {0};

	(void)state;
	list_once(seen, "{1}");
	kube_seen_begin_list(seen);
	assert_false(find(seen, "{1}", &told));
	kube_seen_free(seen);
}

static void an_object_without_entities_is_always_new(void **state)
{
	struct kube_seen *seen = kube_seen_new(MAX_OBJECTS);
	struct told told = {0};

	(void)state;
	kube_seen_begin_list(seen);
	assert_false(find(seen, "{1}", &told));
	kube_seen_end_list(seen);
	kube_seen_begin_list(seen);
	assert_false(find(seen, "{1}", &told));
	kube_seen_free(seen);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unchanged_object_tells_its_entities),
		cmocka_unit_test(what_was_not_in_the_last_list_is_forgotten),
		cmocka_unit_test(a_list_that_fails_forgets_nothing),
		cmocka_unit_test(an_object_whose_entities_have_gone_is_noted_anew),
		cmocka_unit_test(without_room_an_object_is_always_new),
		cmocka_unit_test(an_object_without_entities_is_always_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
