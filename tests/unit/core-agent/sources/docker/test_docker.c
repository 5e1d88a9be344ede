/* SPDX-License-Identifier: Apache-2.0 */
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

/* Both are to be asked for, as a list with the image's id does not say its name. */
#define LIST                                                                                       \
	"[{\"Id\":\"aa\",\"Names\":[\"/a\"],\"Image\":\"sha256:1\"},"                              \
	"{\"Id\":\"bb\",\"Names\":[\"/b\"],\"Image\":\"sha256:2\"}]"
#define CONTAINER_A "{\"Id\":\"aa\",\"Name\":\"/a\",\"Config\":{\"Image\":\"shop:1\"}}"
#define CONTAINER_B "{\"Id\":\"bb\",\"Name\":\"/b\",\"Config\":{\"Image\":\"shop:1\"}}"

static char folder[] = "/tmp/sysprobe-docker-XXXXXX", path[64];
static const char *broken; /* the container that cannot be told of */
static int n_asked;

static void inspect(struct evhttp_request *request, const char *id, const char *answer)
{
	n_asked++;
	if (strcmp(id, broken) == 0)
		evhttp_send_error(request, 500, NULL);
	else
		source_fixture_reply(request, answer);
}

/* The stream of events begins, and says nothing. */
static void on_request(struct evhttp_request *request, void *context)
{
	const char *uri = evhttp_request_get_uri(request);

	(void)context;
	if (strncmp(uri, "/events", 7) == 0)
		evhttp_send_reply_start(request, 200, "OK");
	else if (strcmp(uri, "/containers/aa/json") == 0)
		inspect(request, "aa", CONTAINER_A);
	else if (strcmp(uri, "/containers/bb/json") == 0)
		inspect(request, "bb", CONTAINER_B);
	else
		source_fixture_reply(request, LIST);
}

static struct evconnlistener *listen_at(struct event_base *base)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/docker.sock", folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return evconnlistener_new_bind(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, -1,
				       (struct sockaddr *)&address, sizeof(address));
}

static int setup(void **state)
{
	static struct source_fixture fixture;
	int r = source_fixture_setup(&fixture);

	*state = &fixture;
	assert_non_null(evhttp_bind_listener(fixture.server, listen_at(fixture.base)));
	evhttp_set_gencb(fixture.server, on_request, NULL);
	source_fixture_set(&fixture, "docker.socket", path);
	n_asked = 0;
	return r;
}

static int teardown(void **state)
{
	source_fixture_teardown(*state);
	unlink(path);
	rmdir(folder);
	memset(folder + strlen(folder) - 6, 'X', 6);
	return 0;
}

static void run_until_asked(struct source_fixture *fixture, int n)
{
	const struct timeval limit = {.tv_usec = 10000};

	for (int i = 0; i < 1000 && n_asked < n; i++) {
		event_base_loopexit(fixture->base, &limit);
		event_base_dispatch(fixture->base);
	}
	event_base_loopexit(fixture->base, &limit); /* the last answer arrives */
	event_base_dispatch(fixture->base);
	assert_int_equal(n_asked, n);
}

static void container_that_cannot_be_told_of_leaves_the_others_their_names(void **state)
{
	struct source_fixture *fixture = *state;

	broken = "aa";
	assert_int_equal(source_fixture_start(fixture, &docker_source), 0);
	run_until_asked(fixture, 2);
	assert_string_equal(source_fixture_tag(fixture, ENTITY_CONTAINER, "bb", "container_name"),
			    "b");
	assert_int_equal(docker_source.health(fixture->source)->state, SOURCE_OK);
	assert_int_equal(docker_source.health(fixture->source)->n_failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			container_that_cannot_be_told_of_leaves_the_others_their_names, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
