/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich/tagger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sources/host_facts.h"
#include "tags/entities.h"
#include "tags/tag_list.h"
#include "tags/tag_sets.h"

#define SECOND UINT64_C(1000000000)

struct world {
	struct tag_sets *sets;
	struct entities *entities;
	struct host_facts *host;
	struct tagger *tagger;
};

static void name(struct world *world, enum entity_kind kind, const char *id, const char *value,
		 uint8_t last_byte)
{
	struct entity_address address = {.family = CONNECTION_IPV4,
					 .address = {10, 0, 0, last_byte}};
	struct tag_list list;
	const struct entity_report report = {.kind = kind,
					     .id = id,
					     .tags = &list,
					     .addresses = &address,
					     .n_addresses = last_byte ? 1 : 0};

	tag_list_clear(&list);
	tag_list_add(&list, "name", value);
	assert_int_equal(entities_set(world->entities, ENTITY_FROM_DOCKER, &report, SECOND), 0);
}

static int set_up(void **state)
{
	const struct entities_limits limits = {10, SECOND, SECOND};
	struct world *world = calloc(1, sizeof(*world));

	world->sets = tag_sets_new();
	world->entities = entities_new(world->sets, &limits);
	world->host = host_facts_new();
	world->tagger = tagger_new(world->entities, NULL, world->host);
	name(world, ENTITY_CONTAINER, "c1", "web", 1);
	name(world, ENTITY_POD, "p1", "shop", 2);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	tagger_free(world->tagger);
	host_facts_free(world->host);
	entities_free(world->entities);
	tag_sets_free(world->sets);
	free(world);
	return 0;
}

static struct connection to(uint8_t last_byte)
{
	return (struct connection){.state = CONNECTION_OPEN,
				   .family = CONNECTION_IPV4,
				   .remote_address = {10, 0, 0, last_byte}};
}

static void local_end_has_the_tags_of_its_container(void **state)
{
	struct world *world = *state;
	struct connection connection = to(9);

	connection.owner.container_id = "c1";
	connection.owner.pod_uid = "p1";
	tagger_fill(world->tagger, &connection);
	assert_string_equal(tag_set_find(connection.tags, "name"), "web");
	assert_null(connection.remote_tags);
}

static void unknown_container_has_the_tags_of_its_pod(void **state)
{
	struct world *world = *state;
	struct connection connection = to(9);

	connection.owner.container_id = "c2";
	connection.owner.pod_uid = "p1";
	tagger_fill(world->tagger, &connection);
	assert_string_equal(tag_set_find(connection.tags, "name"), "shop");
	assert_int_equal(tagger_get_stats(world->tagger)->n_unknown, 0);
}

static void who_is_unknown_is_counted(void **state)
{
	struct world *world = *state;
	struct connection in_container = to(9), on_host = to(9);

	in_container.owner.container_id = "c2";
	tagger_fill(world->tagger, &in_container);
	tagger_fill(world->tagger, &on_host);
	assert_null(in_container.tags);
	assert_int_equal(tagger_get_stats(world->tagger)->n_unknown, 1);
}

static void remote_end_is_found_by_its_address(void **state)
{
	struct world *world = *state;
	struct connection to_container = to(1), to_pod = to(2);

	tagger_fill(world->tagger, &to_container);
	assert_string_equal(tag_set_find(to_container.remote_tags, "name"), "web");
	assert_string_equal(to_container.remote_container_id, "c1");
	tagger_fill(world->tagger, &to_pod);
	assert_string_equal(tag_set_find(to_pod.remote_tags, "name"), "shop");
	assert_null(to_pod.remote_container_id);
}

/* A listening socket's remote address is no address. */
static void listening_socket_has_no_remote_end(void **state)
{
	struct world *world = *state;
	struct connection connection = to(1);

	connection.state = CONNECTION_LISTENING;
	tagger_fill(world->tagger, &connection);
	assert_null(connection.remote_tags);
}

static void remote_end_on_this_host_is_its_owner(void **state)
{
	struct world *world = *state;
	struct connection connection = to(2);
	struct connection other = {.pid = 7, .comm = "nginx", .owner = {.container_id = "c1"}};

	tagger_fill(world->tagger, &connection);
	tagger_fill_other(world->tagger, &connection, &other);
	assert_int_equal(connection.remote_pid, 7);
	assert_string_equal(connection.remote_comm, "nginx");
	assert_string_equal(connection.remote_container_id, "c1");
	assert_string_equal(tag_set_find(connection.remote_tags, "name"), "web");
}

static void interval_says_what_is_known_of_the_host(void **state)
{
	struct world *world = *state;
	struct interval interval = {0};

	tagger_fill_interval(world->tagger, &interval);
	assert_null(interval.host_name);
	assert_null(interval.network_id);
	assert_null(interval.host_tags);
	host_facts_set_name(world->host, HOST_NAME_KERNEL, "node");
	host_facts_set(world->host, HOST_NETWORK_ID, "vpc-1");
	name(world, ENTITY_HOST, "", "node", 0);
	tagger_fill_interval(world->tagger, &interval);
	assert_string_equal(interval.host_name, "node");
	assert_string_equal(interval.network_id, "vpc-1");
	assert_string_equal(tag_set_find(interval.host_tags, "name"), "node");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(local_end_has_the_tags_of_its_container),
		TEST(unknown_container_has_the_tags_of_its_pod),
		TEST(who_is_unknown_is_counted),
		TEST(remote_end_is_found_by_its_address),
		TEST(listening_socket_has_no_remote_end),
		TEST(remote_end_on_this_host_is_its_owner),
		TEST(interval_says_what_is_known_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
