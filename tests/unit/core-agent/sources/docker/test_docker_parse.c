/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "recorded.h"
#include "sources/docker/docker_parse.h"
#include "sources/json_items.h"

#define MAX_SEEN 16

struct seen {
	size_t n;
	enum docker_event events[MAX_SEEN];
	struct {
		char id[DOCKER_MAX_ID + 1], name[64], image[128], app[64];
		bool is_running, has_networks;
		size_t n_addresses;
		struct entity_address address;
	} all[MAX_SEEN];
};

static void on_container(const struct docker_container *container, void *context)
{
	struct seen *seen = context;
	const char *app = json_string_value(json_object_get(container->labels, "app"));

	assert_true(seen->n < MAX_SEEN);
	strcpy(seen->all[seen->n].id, container->id);
	strcpy(seen->all[seen->n].name, container->name);
	strcpy(seen->all[seen->n].image, container->image);
	strcpy(seen->all[seen->n].app, app ? app : "");
	seen->all[seen->n].is_running = container->is_running;
	seen->all[seen->n].has_networks = container->has_networks;
	seen->all[seen->n].n_addresses = container->n_addresses;
	seen->all[seen->n].address = container->addresses[0];
	seen->n++;
}

static void on_event(enum docker_event event, const struct docker_container *container,
		     void *context)
{
	struct seen *seen = context;

	seen->events[seen->n] = event;
	on_container(container, context);
}

static int on_listed(const char *text, size_t size, void *context)
{
	return docker_parse_listed(text, size, on_container, context);
}

static struct seen list_of(const char *text)
{
	struct seen seen = {0};
	struct json_items *list = json_items_new(JSON_ITEMS_ARRAY, 65536, on_listed, &seen);

	assert_int_equal(json_items_feed(list, text, strlen(text)), 0);
	json_items_free(list);
	return seen;
}

static struct seen inspected(const char *text, int result)
{
	struct seen seen = {0};

	assert_int_equal(docker_parse_inspect(text, strlen(text), on_container, &seen), result);
	return seen;
}

static struct seen recorded_list(const char *name)
{
	size_t size;
	char *text = recorded(name, &size);
	struct seen seen = list_of(text);

	free(text);
	return seen;
}

static struct seen recorded_inspect(const char *name)
{
	size_t size;
	char *text = recorded(name, &size);
	struct seen seen = inspected(text, 0);

	free(text);
	return seen;
}

static struct seen recorded_events(const char *name)
{
	size_t size;
	char *text = recorded(name, &size), *rest = text, *line;
	struct seen seen = {0};

	while ((line = strsep(&rest, "\n")))
		if (*line)
			assert_int_equal(docker_parse_event(line, strlen(line), on_event, &seen),
					 0);
	free(text);
	return seen;
}

static void docker_lists_names_images_labels_and_addresses(void **state)
{
	static const uint8_t address[16] = {172, 30, 0, 2};
	struct seen seen = recorded_list("docker_list.json");

	(void)state;
	assert_int_equal(seen.n, 2);
	assert_int_equal(strlen(seen.all[1].id), 64);
	assert_string_equal(seen.all[1].name, "web1");
	assert_string_equal(seen.all[1].image, "localhost/sysprobe-test:1");
	assert_string_equal(seen.all[1].app, "web");
	assert_true(seen.all[1].is_running && seen.all[1].has_networks);
	assert_int_equal(seen.all[1].n_addresses, 1);
	assert_int_equal(seen.all[1].address.family, CONNECTION_IPV4);
	assert_memory_equal(seen.all[1].address.address, address, 16);
}

static void host_network_has_no_address(void **state)
{
	struct seen seen = recorded_list("docker_list.json");

	(void)state;
	assert_string_equal(seen.all[0].name, "hostnet");
	assert_true(seen.all[0].has_networks);
	assert_int_equal(seen.all[0].n_addresses, 0);
	seen = list_of("[{\"Id\":\"ab\",\"State\":\"running\",\"HostConfig\":{\"NetworkMode\":"
		       "\"host\"},\"NetworkSettings\":{\"Networks\":{\"x\":{\"IPAddress\":"
		       "\"10.0.0.1\"}}}}]");
	assert_int_equal(seen.all[0].n_addresses, 0);
}

static void stopped_container_has_no_address(void **state)
{
	struct seen seen = recorded_list("docker_list_stopped.json");

	(void)state;
	assert_string_equal(seen.all[0].name, "hostnet");
	assert_false(seen.all[0].is_running);
	seen = list_of("[{\"Id\":\"ab\",\"State\":\"exited\",\"NetworkSettings\":{\"Networks\":"
		       "{\"x\":{\"IPAddress\":\"10.0.0.1\"}}}}]");
	assert_true(seen.all[0].has_networks);
	assert_int_equal(seen.all[0].n_addresses, 0);
}

static void both_families_of_every_network_count(void **state)
{
	struct seen seen = list_of(
		"[{\"Id\":\"ab\",\"State\":\"paused\",\"NetworkSettings\":{\"Networks\":{"
		"\"x\":{\"IPAddress\":\"10.0.0.1\",\"GlobalIPv6Address\":\"fd00::1\"},"
		"\"y\":{\"IPAddress\":\"10.0.1.1\",\"GlobalIPv6Address\":\"\"},"
		"\"z\":{\"IPAddress\":\"none\"}}}}]");

	(void)state;
	assert_int_equal(seen.all[0].n_addresses, 3);
}

static void addresses_beyond_the_maximum_are_left_out(void **state)
{
	char text[2048] = "[{\"Id\":\"ab\",\"State\":\"running\",\"NetworkSettings\":{\"Networks\":{"
			  "\"n\":{}";
	struct seen seen;

	(void)state;
	for (int i = 0; i < ENTITY_MAX_ADDRESSES + 2; i++)
		(void)sprintf(text + strlen(text), ",\"n%d\":{\"IPAddress\":\"10.0.0.%d\"}", i, i);
	seen = list_of(strcat(text, "}}}]"));
	assert_int_equal(seen.all[0].n_addresses, ENTITY_MAX_ADDRESSES);
}

static void link_of_another_container_is_no_name(void **state)
{
	struct seen seen = list_of("[{\"Id\":\"ab\",\"Names\":[\"/web/db\",\"/database\"]}]");

	(void)state;
	assert_string_equal(seen.all[0].name, "database");
}

static void podman_does_not_say_networks_in_a_list(void **state)
{
	struct seen seen = recorded_list("podman_list.json");

	(void)state;
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.all[1].name, "web1");
	assert_string_equal(seen.all[1].app, "web");
	assert_true(seen.all[1].is_running);
	assert_false(seen.all[1].has_networks);
}

static void element_without_an_id_is_passed_over(void **state)
{
	struct seen seen = list_of("[{},{\"Id\":5},{\"Id\":\"../x\"},{\"Id\":\"ab\"}]");

	(void)state;
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.all[0].id, "ab");
	assert_string_equal(seen.all[0].name, "");
}

static void what_is_no_object_is_refused(void **state)
{
	static const char *const texts[] = {"[]", "{\"Id\":\"ab\"", "{\"Id\"}", ""};
	struct seen seen = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(on_listed(texts[i], strlen(texts[i]), &seen), -EBADMSG);
	assert_int_equal(seen.n, 0);
}

static void one_container_is_inspected(void **state)
{
	struct seen docker = recorded_inspect("docker_inspect.json");
	struct seen podman = recorded_inspect("podman_inspect.json");

	(void)state;
	assert_string_equal(docker.all[0].name, "web1");
	assert_string_equal(docker.all[0].image, "localhost/sysprobe-test:1");
	assert_string_equal(docker.all[0].app, "web");
	assert_int_equal(docker.all[0].n_addresses, 1);
	assert_string_equal(podman.all[0].name, "web1");
	assert_true(podman.all[0].has_networks);
	assert_int_equal(podman.all[0].n_addresses, 0);
	(void)inspected("{\"message\":\"none\"}", -EBADMSG);
}

static void events_of_docker_tell_of_the_whole_life(void **state)
{
	struct seen seen = recorded_events("docker_events.json");

	(void)state;
	assert_int_equal(seen.events[0], DOCKER_EVENT_CREATED);
	assert_string_equal(seen.all[0].name, "web1");
	assert_string_equal(seen.all[0].image, "localhost/sysprobe-test:1");
	assert_string_equal(seen.all[0].app, "web");
	assert_int_equal(seen.events[2], DOCKER_EVENT_STARTED);
	assert_int_equal(seen.events[4], DOCKER_EVENT_CHANGED);
	assert_string_equal(seen.all[4].name, "web2");
	assert_int_equal(seen.events[5], DOCKER_EVENT_DIED);
}

static void events_of_podman_read_alike(void **state)
{
	struct seen seen = recorded_events("podman_events.json");

	(void)state;
	assert_int_equal(seen.events[0], DOCKER_EVENT_CREATED);
	assert_string_equal(seen.all[0].name, "web1");
	assert_int_equal(seen.events[2], DOCKER_EVENT_STARTED);
	assert_int_equal(seen.events[4], DOCKER_EVENT_CHANGED);
	assert_int_equal(seen.events[5], DOCKER_EVENT_DIED);
}

static struct seen event(const char *type, const char *action)
{
	struct seen seen = {0};
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "{\"Type\":\"%s\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"ab\","
		       "\"Attributes\":{\"container\":\"cd\"}}}", type, action);
	assert_int_equal(docker_parse_event(text, strlen(text), on_event, &seen), 0);
	return seen;
}

static void network_event_is_about_its_container(void **state)
{
	struct seen seen = event("network", "connect");

	(void)state;
	assert_int_equal(seen.events[0], DOCKER_EVENT_CHANGED);
	assert_string_equal(seen.all[0].id, "cd");
}

static void removal_has_two_names(void **state)
{
	(void)state;
	assert_int_equal(event("container", "destroy").events[0], DOCKER_EVENT_REMOVED);
	assert_int_equal(event("container", "remove").events[0], DOCKER_EVENT_REMOVED);
}

static void other_events_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(event("container", "exec_start: /bin/sh").n, 0);
	assert_int_equal(event("image", "remove").n, 0);
	assert_int_equal(docker_parse_event("[]", 2, on_event, NULL), -EBADMSG);
	assert_int_equal(docker_parse_event("{", 1, on_event, NULL), -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_lists_names_images_labels_and_addresses),
		cmocka_unit_test(host_network_has_no_address),
		cmocka_unit_test(stopped_container_has_no_address),
		cmocka_unit_test(both_families_of_every_network_count),
		cmocka_unit_test(addresses_beyond_the_maximum_are_left_out),
		cmocka_unit_test(link_of_another_container_is_no_name),
		cmocka_unit_test(podman_does_not_say_networks_in_a_list),
		cmocka_unit_test(element_without_an_id_is_passed_over),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(one_container_is_inspected),
		cmocka_unit_test(events_of_docker_tell_of_the_whole_life),
		cmocka_unit_test(events_of_podman_read_alike),
		cmocka_unit_test(network_event_is_about_its_container),
		cmocka_unit_test(removal_has_two_names),
		cmocka_unit_test(other_events_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
