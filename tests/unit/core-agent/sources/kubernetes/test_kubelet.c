/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source_fixture.h"

#define LIST                                                                                       \
	"{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"uid\":\"u1\",\"name\":\"web\"},"         \
	"\"status\":{\"containerStatuses\":[{\"name\":\"serve\",\"containerID\":\"x://aa\"}]}}]}"

static const char *answer; /* to /pods; NULL: status 401 */

static void on_request(struct evhttp_request *request, void *context)
{
	(void)context;
	if (answer)
		source_fixture_reply(request, answer);
	else
		evhttp_send_error(request, 401, NULL);
}

static int setup(void **state)
{
	static struct source_fixture fixture;
	int r = source_fixture_setup(&fixture);

	*state = &fixture;
	answer = LIST;
	evhttp_set_gencb(fixture.server, on_request, NULL);
	source_fixture_set(&fixture, "kubernetes_kubelet_host", "127.0.0.1");
	source_fixture_set(&fixture, "kubernetes_https_kubelet_port", "1"); /* nobody is there */
	source_fixture_set(&fixture, "kubernetes_http_kubelet_port",
			   strrchr(fixture.url, ':') + 1);
	return r;
}

static int teardown(void **state)
{
	source_fixture_teardown(*state);
	return 0;
}

/* The list, and then this in its place. */
static void list_then(struct source_fixture *fixture, const char *next)
{
	assert_int_equal(source_fixture_start(fixture, &kubelet_source), 0);
	source_fixture_run(fixture, 1);
	answer = next;
	kubelet_source.wanted(fixture->source, ENTITY_POD, "u2", NULL);
	source_fixture_run(fixture, 2);
}

static void list_that_is_refused_leaves_what_was_known(void **state)
{
	struct source_fixture *fixture = *state;

	list_then(fixture, NULL);
	assert_int_equal(kubelet_source.health(fixture->source)->state, SOURCE_FAILING);
	assert_int_equal(entities_n_from(fixture->entities, ENTITY_FROM_KUBELET), 2);
}

static void list_without_them_ends_what_was_known(void **state)
{
	struct source_fixture *fixture = *state;

	list_then(fixture, "{\"kind\":\"PodList\",\"items\":[]}");
	assert_int_equal(entities_n_from(fixture->entities, ENTITY_FROM_KUBELET), 0);
}

#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FIXTURE(list_that_is_refused_leaves_what_was_known),
		IN_FIXTURE(list_without_them_ends_what_was_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
