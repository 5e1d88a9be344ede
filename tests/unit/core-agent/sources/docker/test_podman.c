/* SPDX-License-Identifier: Apache-2.0 */
/* What the socket of a user may say, beside root's and beside other sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/listener.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "source_fixture.h"

#define USER 12345
#define OTHER_USER 12346

#define EVIL                                                                                       \
	"[{\"Id\":\"aa\",\"Names\":[\"/evil\"],\"Image\":\"evil:1\",\"State\":\"exited\","         \
	"\"Labels\":{\"io.kubernetes.pod.uid\":\"pod1\",\"com.datadoghq.tags.env\":\"evil\"}}]"
#define GOOD "[{\"Id\":\"aa\",\"Names\":[\"/good\"],\"Image\":\"good:1\",\"State\":\"exited\"}]"
#define NONE "[]"
#define CREATED                                                                                    \
	"{\"Type\":\"container\",\"Action\":\"create\","                                           \
	"\"Actor\":{\"ID\":\"aa\",\"Attributes\":{\"name\":\"evil\"}}}\n"
#define REMOVED "{\"Type\":\"container\",\"Action\":\"remove\",\"Actor\":{\"ID\":\"aa\"}}\n"
/* Says that all before it was read. */
#define LAST                                                                                       \
	"{\"Type\":\"container\",\"Action\":\"create\","                                           \
	"\"Actor\":{\"ID\":\"ff\",\"Attributes\":{\"name\":\"last\"}}}\n"

struct service {
	struct evhttp *server;
	char path[64];
	const char *list, *events;
};

struct world {
	struct source_fixture fixture;
	char folder[32];
	struct service services[2];
};

static void on_request(struct evhttp_request *request, void *context)
{
	const struct service *service = context;
	struct evbuffer *events;

	if (strncmp(evhttp_request_get_uri(request), "/events", 7) != 0) {
		source_fixture_reply(request, service->list);
		return;
	}
	events = evbuffer_new();
	evbuffer_add_printf(events, "%s", service->events);
	evhttp_send_reply_start(request, 200, "OK");
	evhttp_send_reply_chunk(request, events);
	evbuffer_free(events);
}

/* A socket's peer is who was the process when it called listen(2); see unix(7). */
static void listen_as(uid_t uid, int fd)
{
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(seteuid(0), 0);
}

static void serve(struct world *world, size_t i, uid_t uid, const char *list, const char *events)
{
	struct service *service = &world->services[i];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(service->path, sizeof(service->path), "%s/%zu.sock", world->folder, i);
	memcpy(address.sun_path, service->path, sizeof(service->path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	listen_as(uid, fd);
	service->server = evhttp_new(world->fixture.base);
	service->list = list;
	service->events = events;
	assert_non_null(evhttp_bind_listener(
		service->server, evconnlistener_new(world->fixture.base, NULL, NULL,
						    LEV_OPT_CLOSE_ON_FREE, 0, fd)));
	evhttp_set_gencb(service->server, on_request, service);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	*state = world;
	strcpy(world->folder, "/tmp/sysprobe-podman-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	return source_fixture_setup(&world->fixture);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 2; i++) {
		if (world->services[i].server)
			evhttp_free(world->services[i].server);
		unlink(world->services[i].path);
	}
	source_fixture_teardown(&world->fixture);
	rmdir(world->folder);
	free(world);
	return 0;
}

static bool knows(const struct world *world, const char *id)
{
	return entities_find(world->fixture.entities, ENTITY_CONTAINER, id);
}

static void run_until_known(struct world *world, const char *id)
{
	const struct timeval limit = {.tv_usec = 10000};

	for (int i = 0; i < 1000 && !knows(world, id); i++) {
		event_base_loopexit(world->fixture.base, &limit);
		event_base_dispatch(world->fixture.base);
	}
	assert_true(knows(world, id));
}

/* Who asks service `i`; the second one of a test goes on beside the first. */
static struct source *ask(struct world *world, size_t i)
{
	struct source *source = world->fixture.source;

	source_fixture_set(&world->fixture, "podman.sockets", world->services[i].path);
	world->fixture.source = NULL;
	assert_int_equal(source_fixture_start(&world->fixture, &podman_source), 0);
	return source;
}

static const char *tag(struct world *world, const char *key)
{
	return source_fixture_tag(&world->fixture, ENTITY_CONTAINER, "aa", key);
}

static void say(struct world *world, enum entity_source source, enum entity_kind kind,
		const char *id, const char *key, const char *value)
{
	struct tag_list list;
	const struct entity_report report = {.kind = kind, .id = id, .tags = &list};

	tag_list_clear(&list);
	tag_list_add(&list, key, value);
	assert_int_equal(entities_set(world->fixture.entities, source, &report, 1), 0);
}

static bool is_skipped(void)
{
	return geteuid() != 0; /* only root can be another user for a while */
}

static void user_says_nothing_of_what_another_source_has(void **state)
{
	struct world *world = *state;

	if (is_skipped())
		skip();
	say(world, ENTITY_FROM_CRI, ENTITY_CONTAINER, "aa", "container_name", "web");
	serve(world, 0, USER, EVIL, LAST);
	(void)ask(world, 0);
	run_until_known(world, "ff");
	assert_string_equal(tag(world, "container_name"), "web");
	assert_null(tag(world, "env"));
}

static void user_gives_no_pod(void **state)
{
	struct world *world = *state;

	if (is_skipped())
		skip();
	say(world, ENTITY_FROM_KUBELET, ENTITY_POD, "pod1", "kube_namespace", "shop");
	serve(world, 0, USER, EVIL, LAST);
	(void)ask(world, 0);
	run_until_known(world, "ff");
	assert_string_equal(tag(world, "container_name"), "evil");
	assert_null(tag(world, "kube_namespace"));
}

static void word_of_another_source_ends_that_of_a_user(void **state)
{
	struct world *world = *state;

	if (is_skipped())
		skip();
	serve(world, 0, USER, EVIL, LAST);
	(void)ask(world, 0);
	run_until_known(world, "ff");
	assert_string_equal(tag(world, "env"), "evil");
	say(world, ENTITY_FROM_CRI, ENTITY_CONTAINER, "aa", "image_name", "web");
	assert_string_equal(tag(world, "image_name"), "web");
	assert_null(tag(world, "container_name"));
	assert_null(tag(world, "env"));
}

/* First the one of `first`, then that of `second`, on a socket each. */
static void run_two(struct world *world, uid_t first, uid_t second, const char *list,
		    const char *events)
{
	struct source *source;

	serve(world, 0, first, GOOD, "");
	serve(world, 1, second, list, events);
	(void)ask(world, 0);
	run_until_known(world, "aa");
	source = ask(world, 1);
	run_until_known(world, "ff");
	podman_source.free(source);
}

static void user_says_nothing_of_what_the_socket_of_root_has(void **state)
{
	if (is_skipped())
		skip();
	run_two(*state, 0, USER, EVIL, LAST);
	assert_string_equal(tag(*state, "container_name"), "good");
	assert_null(tag(*state, "env"));
}

static void user_says_nothing_of_what_another_user_has(void **state)
{
	if (is_skipped())
		skip();
	run_two(*state, USER, OTHER_USER, EVIL, LAST);
	assert_string_equal(tag(*state, "container_name"), "good");
}

static void root_has_the_last_word(void **state)
{
	if (is_skipped())
		skip();
	run_two(*state, USER, 0, EVIL, LAST);
	assert_string_equal(tag(*state, "container_name"), "evil");
}

static void one_user_has_one_word(void **state)
{
	if (is_skipped())
		skip();
	run_two(*state, USER, USER, EVIL, LAST);
	assert_string_equal(tag(*state, "container_name"), "evil");
}

static size_t n_listed(const struct world *world)
{
	return entities_n_from(world->fixture.entities, ENTITY_FROM_PODMAN);
}

static void user_ends_nothing_that_root_has(void **state)
{
	if (is_skipped())
		skip();
	run_two(*state, 0, USER, EVIL, CREATED REMOVED LAST);
	assert_int_equal(n_listed(*state), 2);
}

static void socket_ends_only_what_it_has_spoken_of(void **state)
{
	if (is_skipped())
		skip();
	run_two(*state, 0, 0, NONE, REMOVED LAST);
	assert_int_equal(n_listed(*state), 2);
}

static void user_ends_what_is_his(void **state)
{
	if (is_skipped())
		skip();
	run_two(*state, USER, USER, EVIL, REMOVED LAST);
	assert_int_equal(n_listed(*state), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(user_says_nothing_of_what_another_source_has),
		TEST(user_gives_no_pod),
		TEST(word_of_another_source_ends_that_of_a_user),
		TEST(user_says_nothing_of_what_the_socket_of_root_has),
		TEST(user_says_nothing_of_what_another_user_has),
		TEST(root_has_the_last_word),
		TEST(one_user_has_one_word),
		TEST(user_ends_nothing_that_root_has),
		TEST(socket_ends_only_what_it_has_spoken_of),
		TEST(user_ends_what_is_his),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
