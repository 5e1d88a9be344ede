/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/kubernetes/kube_slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

static struct kube_slice slice;

static int parse(const char *text)
{
	json_t *object = json_loads(text, 0, NULL);
	int r = kube_slice_from_json(object, &slice);

	json_decref(object);
	return r;
}

#define META "\"metadata\":{\"namespace\":\"shop\",\"name\":\"web-x\"," \
	     "\"labels\":{\"kubernetes.io/service-name\":\"web\"}}"
#define TARGET(kind) "\"targetRef\":{\"kind\":\"" kind "\",\"name\":\"n\",\"uid\":\"u\"}"

static void pods_behind_a_service_are_found_with_their_node(void **state)
{
	(void)state;
	assert_int_equal(parse("{" META ",\"endpoints\":[{\"nodeName\":\"one\"," TARGET("Pod") "}]}"),
			 0);
	assert_string_equal(slice.service, "web");
	assert_int_equal(slice.n, 1);
	assert_string_equal(slice.endpoints[0].pod_uid, "u");
	assert_string_equal(slice.endpoints[0].node, "one");
	kube_slice_deinit(&slice);
}

static void the_node_of_an_older_slice_is_in_its_topology(void **state)
{
	(void)state;
	assert_int_equal(parse("{" META ",\"endpoints\":[{\"topology\":"
			       "{\"kubernetes.io/hostname\":\"one\"}," TARGET("Pod") "}]}"),
			 0);
	assert_string_equal(slice.endpoints[0].node, "one");
	kube_slice_deinit(&slice);
}

static void endpoints_that_are_no_pods_are_left_out(void **state)
{
	(void)state;
	assert_int_equal(parse("{" META ",\"endpoints\":[{" TARGET("Node") "},{\"addresses\":[]},1]}"),
			 0);
	assert_int_equal(slice.n, 0);
	kube_slice_deinit(&slice);
}

static void what_has_no_name_is_no_slice(void **state)
{
	(void)state;
	assert_int_equal(parse("{}"), -EINVAL);
	assert_int_equal(parse("{\"metadata\":{\"name\":\"n\"}}"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_behind_a_service_are_found_with_their_node),
		cmocka_unit_test(the_node_of_an_older_slice_is_in_its_topology),
		cmocka_unit_test(endpoints_that_are_no_pods_are_left_out),
		cmocka_unit_test(what_has_no_name_is_no_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
