/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/kubernetes/kube_services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sources/kubernetes/kube_slice.h"
#include "tags/entities.h"
#include "tags/tag_sets.h"

struct fixture {
	struct tag_sets *sets;
	struct entities *entities;
	struct kube_services *services;
};

static int setup(void **state)
{
	const struct entities_limits limits = {.max_entities = 3, .max_age_ns = 1000};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->sets = tag_sets_new();
	fixture->entities = entities_new(fixture->sets, &limits);
	fixture->services = kube_services_new(fixture->entities);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	kube_services_free(fixture->services);
	entities_free(fixture->entities);
	assert_int_equal(tag_sets_n(fixture->sets), 0);
	tag_sets_free(fixture->sets);
	free(fixture);
	return 0;
}

/* A slice of `service` with the pods "a,b" on `of_node`, heard on `node`. */
static void set(struct fixture *fixture, const char *name, const char *service, const char *pods,
		const char *of_node, const char *node)
{
	struct kube_slice slice;
	json_t *endpoints = json_array(), *object;
	char list[64], *rest = list;

	(void)snprintf(list, sizeof(list), "%s", pods);
	for (const char *pod; (pod = strsep(&rest, ",")) && pod[0];)
		json_array_append_new(endpoints,
				      json_pack("{s:s, s:{s:s, s:s, s:s}}", "nodeName", of_node,
						"targetRef", "kind", "Pod", "name", pod, "uid", pod));
	object = json_pack("{s:{s:s, s:s, s:{s:s}}, s:o}", "metadata", "namespace", "shop", "name",
			   name, "labels", "kubernetes.io/service-name", service, "endpoints",
			   endpoints);
	assert_int_equal(kube_slice_from_json(object, &slice), 0);
	kube_services_set(fixture->services, &slice, node, 0);
	kube_slice_deinit(&slice);
	json_decref(object);
}

/* Tags of a pod that are there now; "": it is gone. */
static const char *tags(struct fixture *fixture, const char *uid)
{
	static char text[4096];
	const struct entity *entity;
	const struct tag_set *set_of_pod;

	entities_tick(fixture->entities, 10); /* what is gone is not kept here */
	entity = entities_find(fixture->entities, ENTITY_POD, uid);
	set_of_pod = entity ? entities_tags(fixture->entities, entity) : NULL;
	text[0] = '\0';
	for (size_t i = 0; i < tag_set_n(set_of_pod); i++)
		strcat(strcat(text, tag_set_get(set_of_pod, i)), " ");
	return text;
}

static size_t n_pods(const struct fixture *fixture)
{
	return entities_n_from(fixture->entities, ENTITY_FROM_KUBE_SERVICES);
}

#define PLACE "kube_namespace:shop "

static void a_pod_has_all_the_services_that_it_is_behind(void **state)
{
	set(*state, "s1", "web", "a,b", "n", "");
	set(*state, "s2", "all", "a", "n", "");
	assert_string_equal(tags(*state, "a"),
			    PLACE "kube_service:all kube_service:web pod_name:a ");
	assert_string_equal(tags(*state, "b"), PLACE "kube_service:web pod_name:b ");
}

static void a_slice_replaces_what_it_said_before(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "s1", "web", "a,b", "n", "");
	set(fixture, "s1", "web", "b,c", "n", "");
	assert_string_equal(tags(fixture, "a"), "");
	assert_string_equal(tags(fixture, "b"), PLACE "kube_service:web pod_name:b ");
	assert_string_equal(tags(fixture, "c"), PLACE "kube_service:web pod_name:c ");
	assert_int_equal(n_pods(fixture), 2);
}

static void a_slice_that_is_removed_leaves_the_other_services(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "s1", "web", "a,b", "n", "");
	set(fixture, "s2", "all", "a", "n", "");
	kube_services_remove(fixture->services, "shop", "s1", 0);
	kube_services_remove(fixture->services, "shop", "unknown", 0);
	assert_string_equal(tags(fixture, "a"), PLACE "kube_service:all pod_name:a ");
	assert_string_equal(tags(fixture, "b"), "");
}

static void slices_that_a_list_lacks_are_gone(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "s1", "web", "a", "n", "");
	set(fixture, "s2", "all", "a", "n", "");
	kube_services_begin_list(fixture->services);
	set(fixture, "s2", "all", "a", "n", "");
	kube_services_end_list(fixture->services, 0);
	assert_string_equal(tags(fixture, "a"), PLACE "kube_service:all pod_name:a ");
}

static void pods_of_other_nodes_are_left_out_where_one_is_named(void **state)
{
	set(*state, "s1", "web", "a", "here", "here");
	set(*state, "s2", "web", "b", "there", "here");
	assert_string_equal(tags(*state, "a"), PLACE "kube_service:web pod_name:a ");
	assert_string_equal(tags(*state, "b"), "");
}

static void pods_beyond_the_maximum_are_counted_and_the_rest_stays(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "s1", "web", "a,b,c,d,e", "n", "");
	assert_int_equal(n_pods(fixture), 3);
	assert_int_equal(entities_get_stats(fixture->entities, ENTITY_FROM_KUBE_SERVICES)
				 ->n_entities_left_out,
			 2);
	set(fixture, "s1", "web", "", "n", "");
	assert_int_equal(n_pods(fixture), 0);
}

static void a_pod_behind_too_many_slices_keeps_what_fits(void **state)
{
	struct fixture *fixture = *state;
	char name[16];

	for (int i = 0; i < KUBE_SERVICES_MAX_SLICES + 2; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		set(fixture, name, name, "a", "n", "");
	}
	assert_null(strstr(tags(fixture, "a"), "kube_service:s32"));
	assert_non_null(strstr(tags(fixture, "a"), "kube_service:s31"));
	assert_int_equal(entities_get_stats(fixture->entities, ENTITY_FROM_KUBE_SERVICES)
				 ->n_tags_left_out,
			 2);
}

static void what_a_source_confirms_does_not_age(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "s1", "web", "a", "n", "");
	entities_confirm(fixture->entities, ENTITY_FROM_KUBE_SERVICES, 1500);
	entities_tick(fixture->entities, 2000);
	assert_non_null(entities_find(fixture->entities, ENTITY_POD, "a"));
	entities_tick(fixture->entities, 3000);
	assert_null(entities_find(fixture->entities, ENTITY_POD, "a"));
}

/* Nobody confirms for so long that the entities forget all, while the slices stay. */
static void age_out(struct fixture *fixture)
{
	entities_tick(fixture->entities, 2000);
	assert_int_equal(n_pods(fixture), 0);
}

static void a_known_pod_that_finds_no_place_any_more_leaves_its_slice(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "s1", "web", "a,b,c", "n", "");
	age_out(fixture);
	kube_services_begin_list(fixture->services);
	set(fixture, "s2", "all", "d,e,f", "n", "");
	set(fixture, "s1", "web", "a,b,c", "n", "");
	kube_services_end_list(fixture->services, 0);
	assert_int_equal(n_pods(fixture), 3);
	kube_services_remove(fixture->services, "shop", "s2", 0);
	set(fixture, "s1", "web", "a", "n", "");
	assert_string_equal(tags(fixture, "a"), PLACE "kube_service:web pod_name:a ");
}

static void a_known_pod_that_finds_no_place_stays_behind_its_other_services(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "s1", "web", "a", "n", "");
	set(fixture, "s2", "all", "a", "n", "");
	age_out(fixture);
	set(fixture, "s3", "new", "d,e,f", "n", "");
	set(fixture, "s1", "web", "a", "n", "");
	kube_services_remove(fixture->services, "shop", "s3", 0);
	set(fixture, "s4", "more", "a", "n", "");
	assert_string_equal(tags(fixture, "a"),
			    PLACE "kube_service:all kube_service:more pod_name:a ");
}

static void a_pod_that_fits_neither_its_slices_nor_the_table_costs_no_other_its_place(void **state)
{
	struct fixture *fixture = *state;
	char name[16];

	for (int i = 0; i < KUBE_SERVICES_MAX_SLICES; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		set(fixture, name, name, "a", "n", "");
	}
	age_out(fixture);
	set(fixture, "others", "all", "d,e", "n", "");
	set(fixture, "one-more", "web", "b,a", "n", "");
	assert_string_equal(tags(fixture, "b"), PLACE "kube_service:web pod_name:b ");
	kube_services_remove(fixture->services, "shop", "one-more", 0);
	assert_string_equal(tags(fixture, "b"), "");
	set(fixture, "s0", "s0", "a", "n", "");
	assert_non_null(strstr(tags(fixture, "a"), "kube_service:s31"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pod_has_all_the_services_that_it_is_behind),
		TEST(a_slice_replaces_what_it_said_before),
		TEST(a_slice_that_is_removed_leaves_the_other_services),
		TEST(slices_that_a_list_lacks_are_gone),
		TEST(pods_of_other_nodes_are_left_out_where_one_is_named),
		TEST(pods_beyond_the_maximum_are_counted_and_the_rest_stays),
		TEST(a_pod_behind_too_many_slices_keeps_what_fits),
		TEST(a_known_pod_that_finds_no_place_any_more_leaves_its_slice),
		TEST(a_known_pod_that_finds_no_place_stays_behind_its_other_services),
		TEST(a_pod_that_fits_neither_its_slices_nor_the_table_costs_no_other_its_place),
		TEST(what_a_source_confirms_does_not_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
