/* SPDX-License-Identifier: Apache-2.0 */
#include "tags/entities.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tags/tag.h"
#include "tags/tag_list.h"
#include "tags/tag_sets.h"

#define SECOND UINT64_C(1000000000)
#define KEEP (180 * SECOND)
#define MAX_AGE (3600 * SECOND)

static const uint8_t address_a[16] = {10, 0, 0, 1};

struct world {
	struct tag_sets *sets;
	struct entities *entities;
};

static int set_up(void **state)
{
	const struct entities_limits limits = {4, KEEP, MAX_AGE};
	struct world *world = calloc(1, sizeof(*world));

	world->sets = tag_sets_new();
	world->entities = entities_new(world->sets, &limits);
	*state = world;
	return 0;
}

/* Every set that an entity had is given back. */
static int tear_down(void **state)
{
	struct world *world = *state;

	entities_free(world->entities);
	assert_int_equal(tag_sets_n(world->sets), 0);
	tag_sets_free(world->sets);
	free(world);
	return 0;
}

static int set_in_pod(struct world *world, enum entity_source source, enum entity_kind kind,
		      const char *id, const char *key, const char *value, const char *pod_uid)
{
	struct tag_list list;
	const struct entity_report report = {
		.kind = kind, .id = id, .tags = &list, .pod_uid = pod_uid};

	tag_list_clear(&list);
	tag_list_add(&list, key, value);
	return entities_set(world->entities, source, &report, SECOND);
}

static int set(struct world *world, enum entity_source source, const char *id, const char *key,
	       const char *value)
{
	return set_in_pod(world, source, ENTITY_CONTAINER, id, key, value, NULL);
}

static void set_address(struct world *world, const char *id, const uint8_t address[16])
{
	struct tag_list list;
	struct entity_address at = {.family = CONNECTION_IPV4};
	const struct entity_report report = {.kind = ENTITY_CONTAINER,
					     .id = id,
					     .tags = &list,
					     .addresses = &at,
					     .n_addresses = 1};

	memcpy(at.address, address, sizeof(at.address));
	tag_list_clear(&list);
	assert_int_equal(entities_set(world->entities, ENTITY_FROM_DOCKER, &report, SECOND), 0);
}

static const char *value_of(struct world *world, const char *id, const char *key)
{
	const struct entity *entity = entities_find(world->entities, ENTITY_CONTAINER, id);

	assert_non_null(entity);
	return tag_set_find(entities_tags(world->entities, entity), key);
}

static const struct entities_stats *lost(const struct world *world, enum entity_source source)
{
	return entities_get_stats(world->entities, source);
}

static void what_a_source_said_is_found(void **state)
{
	struct world *world = *state;

	assert_int_equal(set(world, ENTITY_FROM_DOCKER, "c1", "container_name", "web"), 0);
	assert_string_equal(value_of(world, "c1", "container_name"), "web");
	assert_null(entities_find(world->entities, ENTITY_CONTAINER, "c2"));
	assert_null(entities_find(world->entities, ENTITY_POD, "c1"));
}

static void a_key_belongs_to_the_better_source(void **state)
{
	struct world *world = *state;

	(void)set(world, ENTITY_FROM_DOCKER, "c1", "container_name", "k8s_web_pod");
	(void)set(world, ENTITY_FROM_KUBELET, "c1", "container_name", "web");
	(void)set(world, ENTITY_FROM_CRI, "c1", "image_name", "nginx");
	assert_string_equal(value_of(world, "c1", "container_name"), "web");
	assert_string_equal(value_of(world, "c1", "image_name"), "nginx");
}

static void a_source_replaces_what_it_said_before(void **state)
{
	struct world *world = *state;

	(void)set(world, ENTITY_FROM_DOCKER, "c1", "container_name", "old");
	(void)value_of(world, "c1", "container_name");
	(void)set(world, ENTITY_FROM_DOCKER, "c1", "container_name", "new");
	assert_string_equal(value_of(world, "c1", "container_name"), "new");
}

static int set_by(struct world *world, uid_t uid, enum entity_source source, const char *value)
{
	struct tag_list list;
	const struct entity_report report = {
		.kind = ENTITY_CONTAINER, .id = "c1", .tags = &list, .told_by = uid};

	tag_list_clear(&list);
	tag_list_add(&list, "container_name", value);
	return entities_set(world->entities, source, &report, SECOND);
}

static void a_user_has_no_say_where_somebody_else_has_spoken(void **state)
{
	struct world *world = *state;

	(void)set(world, ENTITY_FROM_CRI, "c1", "image_name", "web");
	assert_int_equal(set_by(world, 1000, ENTITY_FROM_PODMAN, "his"), -EPERM);
	assert_null(value_of(world, "c1", "container_name"));
	assert_int_equal(lost(world, ENTITY_FROM_PODMAN)->n_users_refused, 1);
}

static void a_user_has_no_say_while_somebody_elses_word_is_kept(void **state)
{
	struct world *world = *state;

	(void)set(world, ENTITY_FROM_PODMAN, "c1", "container_name", "roots");
	entities_remove(world->entities, ENTITY_FROM_PODMAN, ENTITY_CONTAINER, "c1", SECOND);
	assert_int_equal(set_by(world, 1000, ENTITY_FROM_PODMAN, "his"), -EPERM);
	assert_string_equal(value_of(world, "c1", "container_name"), "roots");
}

static void a_user_may_say_something_else_later(void **state)
{
	struct world *world = *state;

	assert_int_equal(set_by(world, 1000, ENTITY_FROM_PODMAN, "his"), 0);
	assert_int_equal(set_by(world, 1001, ENTITY_FROM_PODMAN, "hers"), -EPERM);
	assert_int_equal(set_by(world, 1000, ENTITY_FROM_PODMAN, "new"), 0);
	assert_string_equal(value_of(world, "c1", "container_name"), "new");
}

static void the_word_of_a_user_gives_way_to_any_other(void **state)
{
	struct world *world = *state;

	(void)set_by(world, 1000, ENTITY_FROM_PODMAN, "his");
	(void)set(world, ENTITY_FROM_CRI, "c1", "image_name", "web");
	assert_null(value_of(world, "c1", "container_name"));
	assert_int_equal(entities_n_from(world->entities, ENTITY_FROM_PODMAN), 0);
}

static void a_user_ends_only_what_he_has_told(void **state)
{
	struct world *world = *state;

	(void)set_by(world, 1000, ENTITY_FROM_PODMAN, "his");
	entities_remove_told_by(world->entities, ENTITY_FROM_PODMAN, 1001, ENTITY_CONTAINER, "c1",
				SECOND);
	assert_int_equal(entities_n_from(world->entities, ENTITY_FROM_PODMAN), 1);
	entities_remove_told_by(world->entities, ENTITY_FROM_PODMAN, 1000, ENTITY_CONTAINER, "c1",
				SECOND);
	assert_int_equal(entities_n_from(world->entities, ENTITY_FROM_PODMAN), 0);
}

static void a_container_has_the_tags_of_its_pod(void **state)
{
	struct world *world = *state;

	(void)set_in_pod(world, ENTITY_FROM_CRI, ENTITY_CONTAINER, "c1", "name", "web", "pod1");
	assert_null(value_of(world, "c1", "kube_namespace"));
	(void)set_in_pod(world, ENTITY_FROM_KUBELET, ENTITY_POD, "pod1", "kube_namespace", "shop",
			 NULL);
	assert_string_equal(value_of(world, "c1", "kube_namespace"), "shop");
	assert_string_equal(value_of(world, "c1", "name"), "web");
}

static void what_is_no_longer_listed_is_kept_for_a_while(void **state)
{
	struct world *world = *state;

	(void)set(world, ENTITY_FROM_DOCKER, "c1", "a", "1");
	entities_begin_list(world->entities, ENTITY_FROM_DOCKER);
	(void)set(world, ENTITY_FROM_DOCKER, "c2", "a", "2");
	entities_end_list(world->entities, ENTITY_FROM_DOCKER, 2 * SECOND);
	assert_int_equal(entities_n_from(world->entities, ENTITY_FROM_DOCKER), 1);
	entities_tick(world->entities, 2 * SECOND + KEEP);
	assert_string_equal(value_of(world, "c1", "a"), "1");
	entities_tick(world->entities, 2 * SECOND + KEEP + 1);
	assert_null(entities_find(world->entities, ENTITY_CONTAINER, "c1"));
	assert_string_equal(value_of(world, "c2", "a"), "2");
}

static void what_is_kept_stays_listed(void **state)
{
	struct world *world = *state;

	(void)set(world, ENTITY_FROM_DOCKER, "c1", "a", "1");
	(void)set(world, ENTITY_FROM_DOCKER, "c2", "a", "2");
	entities_begin_list(world->entities, ENTITY_FROM_DOCKER);
	assert_true(entities_keep(world->entities, ENTITY_FROM_DOCKER, ENTITY_CONTAINER, "c1",
				  2 * SECOND));
	entities_end_list(world->entities, ENTITY_FROM_DOCKER, 2 * SECOND);
	assert_int_equal(entities_n_from(world->entities, ENTITY_FROM_DOCKER), 1);
	assert_false(entities_keep(world->entities, ENTITY_FROM_DOCKER, ENTITY_CONTAINER, "c2",
				   2 * SECOND));
	assert_false(entities_keep(world->entities, ENTITY_FROM_CRI, ENTITY_CONTAINER, "c1",
				   2 * SECOND));
	assert_false(entities_keep(world->entities, ENTITY_FROM_DOCKER, ENTITY_CONTAINER, "c3",
				   2 * SECOND));
}

static void one_source_ends_only_what_it_said_itself(void **state)
{
	struct world *world = *state;

	(void)set(world, ENTITY_FROM_DOCKER, "c1", "a", "docker");
	(void)set(world, ENTITY_FROM_KUBELET, "c1", "b", "kubelet");
	entities_remove(world->entities, ENTITY_FROM_KUBELET, ENTITY_CONTAINER, "c1", SECOND);
	entities_tick(world->entities, 2 * SECOND + KEEP);
	assert_string_equal(value_of(world, "c1", "a"), "docker");
	assert_null(value_of(world, "c1", "b"));
}

static void a_silent_source_is_believed_until_the_age_limit(void **state)
{
	struct world *world = *state;

	(void)set(world, ENTITY_FROM_DOCKER, "c1", "a", "1");
	entities_tick(world->entities, SECOND + MAX_AGE);
	assert_string_equal(value_of(world, "c1", "a"), "1");
	entities_tick(world->entities, SECOND + MAX_AGE + 1);
	assert_null(entities_find(world->entities, ENTITY_CONTAINER, "c1"));
	assert_int_equal(lost(world, ENTITY_FROM_DOCKER)->n_aged, 1);
	assert_int_equal(lost(world, ENTITY_FROM_CRI)->n_aged, 0);
}

static void entities_beyond_the_maximum_are_counted(void **state)
{
	struct world *world = *state;
	char id[8];

	for (int i = 0; i < 4; i++) {
		(void)snprintf(id, sizeof(id), "c%d", i);
		assert_int_equal(set(world, ENTITY_FROM_DOCKER, id, "a", "1"), 0);
	}
	assert_int_equal(set(world, ENTITY_FROM_DOCKER, "c4", "a", "1"), -28 /* -ENOSPC */);
	assert_int_equal(set(world, ENTITY_FROM_DOCKER, "c1", "a", "2"), 0);
	assert_int_equal(set(world, ENTITY_FROM_CRI, "c4", "a", "1"), 0);
	assert_int_equal(lost(world, ENTITY_FROM_DOCKER)->n_entities_left_out, 1);
	assert_int_equal(lost(world, ENTITY_FROM_CRI)->n_entities_left_out, 0);
}

static int set_many(struct world *world, enum entity_source source, const char *key, int n)
{
	struct tag_list list;
	const struct entity_report report = {
		.kind = ENTITY_CONTAINER, .id = "c1", .tags = &list};
	char value[8];

	tag_list_clear(&list);
	for (int i = 0; i < n; i++) {
		(void)snprintf(value, sizeof(value), "%d", i);
		tag_list_add(&list, key, value);
	}
	return entities_set(world->entities, source, &report, SECOND);
}

static void tags_left_out_are_counted_for_their_source(void **state)
{
	struct world *world = *state;

	(void)set_many(world, ENTITY_FROM_DOCKER, "a", TAG_LIST_MAX_TAGS + 2);
	assert_int_equal(lost(world, ENTITY_FROM_DOCKER)->n_tags_left_out, 2);
	assert_int_equal(lost(world, ENTITY_FROM_CRI)->n_tags_left_out, 0);
}

static void the_same_said_again_is_counted_once(void **state)
{
	struct world *world = *state;

	(void)set_many(world, ENTITY_FROM_DOCKER, "a", TAG_LIST_MAX_TAGS + 2);
	(void)set_many(world, ENTITY_FROM_DOCKER, "a", TAG_LIST_MAX_TAGS + 2);
	assert_int_equal(lost(world, ENTITY_FROM_DOCKER)->n_tags_left_out, 2);
}

static void tags_without_room_beside_those_of_others_are_counted_for_the_worse_source(void **state)
{
	struct world *world = *state;

	(void)set_many(world, ENTITY_FROM_KUBELET, "a", TAG_LIST_MAX_TAGS - 1);
	(void)set_many(world, ENTITY_FROM_DOCKER, "b", 3);
	(void)value_of(world, "c1", "a");
	assert_int_equal(lost(world, ENTITY_FROM_KUBELET)->n_tags_left_out, 0);
	assert_int_equal(lost(world, ENTITY_FROM_DOCKER)->n_tags_left_out, 2);
	(void)set(world, ENTITY_FROM_CRI, "c2", "a", "1"); /* all are merged anew */
	(void)value_of(world, "c1", "a");
	assert_int_equal(lost(world, ENTITY_FROM_DOCKER)->n_tags_left_out, 2);
}

static void tags_that_were_cut_are_counted_for_their_source(void **state)
{
	char value[TAG_MAX_BYTES];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	(void)set(*state, ENTITY_FROM_ECS, "c1", "a", value);
	assert_int_equal(lost(*state, ENTITY_FROM_ECS)->n_tags_cut, 1);
	assert_int_equal(lost(*state, ENTITY_FROM_DOCKER)->n_tags_cut, 0);
}

static void addresses_beyond_the_maximum_are_counted_for_their_source(void **state)
{
	struct world *world = *state;
	struct entity_address addresses[ENTITY_MAX_ADDRESSES + 2] = {{0}};
	struct tag_list list;
	const struct entity_report report = {.kind = ENTITY_CONTAINER,
					     .id = "c1",
					     .tags = &list,
					     .addresses = addresses,
					     .n_addresses = ENTITY_MAX_ADDRESSES + 2};

	tag_list_clear(&list);
	for (size_t i = 0; i < ENTITY_MAX_ADDRESSES + 2; i++) {
		addresses[i].family = CONNECTION_IPV4;
		addresses[i].address[3] = (uint8_t)i;
	}
	(void)entities_set(world->entities, ENTITY_FROM_CRI, &report, SECOND);
	assert_int_equal(lost(world, ENTITY_FROM_CRI)->n_addresses_left_out, 2);
	assert_int_equal(lost(world, ENTITY_FROM_DOCKER)->n_addresses_left_out, 0);
}

static void an_id_that_is_none_is_refused(void **state)
{
	char long_id[ENTITY_ID_SIZE + 1];

	memset(long_id, 'x', sizeof(long_id));
	long_id[ENTITY_ID_SIZE] = '\0';
	assert_int_equal(set(*state, ENTITY_FROM_DOCKER, "", "a", "1"), -22 /* -EINVAL */);
	assert_int_equal(set(*state, ENTITY_FROM_DOCKER, long_id, "a", "1"), -22);
}

static void an_address_names_its_entity(void **state)
{
	struct world *world = *state;
	uint8_t with_rest[16] = {10, 0, 0, 1, 99}; /* behind the four bytes anything may stand */

	set_address(world, "c1", address_a);
	assert_string_equal(
		entity_id(entities_find_address(world->entities, CONNECTION_IPV4, with_rest)),
		"c1");
	assert_null(entities_find_address(world->entities, CONNECTION_IPV6, address_a));
}

static void an_address_that_is_given_again_names_the_new_one(void **state)
{
	struct world *world = *state;

	set_address(world, "c1", address_a);
	entities_remove(world->entities, ENTITY_FROM_DOCKER, ENTITY_CONTAINER, "c1", SECOND);
	set_address(world, "c2", address_a);
	assert_string_equal(
		entity_id(entities_find_address(world->entities, CONNECTION_IPV4, address_a)),
		"c2");
	entities_tick(world->entities, 2 * SECOND + KEEP); /* the old one goes */
	assert_string_equal(
		entity_id(entities_find_address(world->entities, CONNECTION_IPV4, address_a)),
		"c2");
}

static void an_address_goes_with_its_entity(void **state)
{
	struct world *world = *state;

	set_address(world, "c1", address_a);
	entities_remove(world->entities, ENTITY_FROM_DOCKER, ENTITY_CONTAINER, "c1", SECOND);
	entities_tick(world->entities, 2 * SECOND + KEEP);
	assert_null(entities_find_address(world->entities, CONNECTION_IPV4, address_a));
}

static void merged_tags_are_made_once(void **state)
{
	struct world *world = *state;
	const struct entity *entity;
	const struct tag_set *tags;

	(void)set(world, ENTITY_FROM_DOCKER, "c1", "a", "1");
	entity = entities_find(world->entities, ENTITY_CONTAINER, "c1");
	tags = entities_tags(world->entities, entity);
	assert_ptr_equal(entities_tags(world->entities, entity), tags);
	(void)set(world, ENTITY_FROM_DOCKER, "c2", "a", "1");
	assert_ptr_equal(value_of(world, "c2", "a"), tag_set_find(tags, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_a_source_said_is_found),
		TEST(a_key_belongs_to_the_better_source),
		TEST(a_source_replaces_what_it_said_before),
		TEST(a_user_has_no_say_where_somebody_else_has_spoken),
		TEST(a_user_has_no_say_while_somebody_elses_word_is_kept),
		TEST(a_user_may_say_something_else_later),
		TEST(the_word_of_a_user_gives_way_to_any_other),
		TEST(a_user_ends_only_what_he_has_told),
		TEST(a_container_has_the_tags_of_its_pod),
		TEST(what_is_no_longer_listed_is_kept_for_a_while),
		TEST(what_is_kept_stays_listed),
		TEST(one_source_ends_only_what_it_said_itself),
		TEST(a_silent_source_is_believed_until_the_age_limit),
		TEST(entities_beyond_the_maximum_are_counted),
		TEST(tags_left_out_are_counted_for_their_source),
		TEST(the_same_said_again_is_counted_once),
		TEST(tags_without_room_beside_those_of_others_are_counted_for_the_worse_source),
		TEST(tags_that_were_cut_are_counted_for_their_source),
		TEST(addresses_beyond_the_maximum_are_counted_for_their_source),
		TEST(an_id_that_is_none_is_refused),
		TEST(an_address_names_its_entity),
		TEST(an_address_that_is_given_again_names_the_new_one),
		TEST(an_address_goes_with_its_entity),
		TEST(merged_tags_are_made_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
