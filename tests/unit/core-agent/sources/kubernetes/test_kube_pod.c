/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/kubernetes/kube_pod.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>

#include "options.h"
#include "sources/json_items.h"
#include "tag_texts.h"

static const char *recorded_path;

static const struct kube_allowed nothing;

static struct kube_pod parse(const char *text)
{
	struct kube_pod pod;

	assert_int_equal(kube_pod_from_kubelet(text, strlen(text), &pod), 0);
	return pod;
}

static const char *pod_tags(const char *text, const struct kube_allowed *allowed)
{
	static struct tag_list list;
	struct kube_pod pod = parse(text);

	tag_list_clear(&list);
	kube_pod_add_tags(&pod, allowed, &list);
	kube_pod_deinit(&pod);
	return tag_texts(&list);
}

static size_t n_addresses(const char *text)
{
	struct kube_pod pod = parse(text);
	size_t n = pod.n_addresses;

	kube_pod_deinit(&pod);
	return n;
}

static void append_container(const struct kube_pod *pod, const struct kube_container *container,
			     void *context)
{
	char *text = context;
	static struct tag_list list;

	tag_list_clear(&list);
	kube_pod_add_container_tags(pod, container, &list);
	strcat(strcat(strcat(text, container->id), ": "), tag_texts(&list));
	strcat(text, "\n");
}

static const char *containers(const char *text)
{
	static char result[2048];
	struct kube_pod pod = parse(text);

	result[0] = '\0';
	kube_pod_for_each_container(&pod, append_container, result);
	kube_pod_deinit(&pod);
	return result;
}

#define META "\"metadata\":{\"uid\":\"u\",\"name\":\"n\",\"namespace\":\"shop\""

static void a_pod_has_its_name_and_place(void **state)
{
	(void)state;
	assert_string_equal(pod_tags("{" META "},\"spec\":{\"nodeName\":\"one\"}}", &nothing),
			    "kube_namespace:shop kube_node:one pod_name:n ");
}

static void the_controller_alone_is_the_owner(void **state)
{
	(void)state;
	assert_string_equal(
		pod_tags("{" META ",\"ownerReferences\":["
			 "{\"kind\":\"Thing\",\"name\":\"x\"},"
			 "{\"kind\":\"DaemonSet\",\"name\":\"ds\",\"controller\":true}]}}",
			 &nothing),
		"kube_daemon_set:ds kube_namespace:shop kube_ownerref_kind:daemonset "
		"kube_ownerref_name:ds pod_name:n ");
}

static void service_labels_are_tags_and_others_only_when_allowed(void **state)
{
	struct option_pair pairs[] = {{(char[]){"app.kubernetes.io/name"}, (char[]){"app"}},
					     {(char[]){"absent"}, (char[]){"absent"}}};
	const struct option_map map = {pairs, 2};
	static const char text[] =
		"{" META ",\"labels\":{\"tags.datadoghq.com/env\":\"prod\",\"other\":\"x\","
		"\"tags.datadoghq.com/service\":\"web\",\"tags.datadoghq.com/version\":\"1\","
		"\"app.kubernetes.io/name\":\"shop\"},"
		"\"annotations\":{\"app.kubernetes.io/name\":\"noted\"}}}";

	(void)state;
	assert_string_equal(pod_tags(text, &nothing), "env:prod kube_namespace:shop pod_name:n "
						      "service:web version:1 ");
	assert_string_equal(pod_tags(text, &(struct kube_allowed){&map, NULL}),
			    "app:shop env:prod kube_namespace:shop pod_name:n service:web version:1 ");
	assert_string_equal(pod_tags(text, &(struct kube_allowed){NULL, &map}),
			    "app:noted env:prod kube_namespace:shop pod_name:n service:web "
			    "version:1 ");
}

static void containers_of_all_kinds_have_their_own_tags(void **state)
{
	(void)state;
	assert_string_equal(
		containers("{" META ",\"labels\":{\"tags.datadoghq.com/a.service\":\"x\"}},"
			   "\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"h:5/s/web:1\"}]},"
			   "\"status\":{\"containerStatuses\":[{\"name\":\"a\",\"containerID\":"
			   "\"containerd://c1\",\"image\":\"sha256:00\"}],"
			   "\"initContainerStatuses\":[{\"name\":\"i\",\"containerID\":"
			   "\"cri-o://c2\",\"image\":\"sh@sha256:1\"}],"
			   "\"ephemeralContainerStatuses\":[{\"name\":\"e\",\"containerID\":"
			   "\"docker://c3\",\"image\":\"sha256:00\"}]}}"),
		"c1: container_name:a image_name:h:5/s/web image_tag:1 kube_container_name:a "
		"service:x short_image:web \n"
		"c2: container_name:i image_name:sh kube_container_name:i short_image:sh \n"
		"c3: container_name:e kube_container_name:e \n");
}

static void a_container_that_never_ran_has_no_id(void **state)
{
	(void)state;
	assert_string_equal(containers("{" META "},\"status\":{\"containerStatuses\":["
				       "{\"name\":\"a\"},{\"name\":\"b\",\"containerID\":\"\"},"
				       "{\"name\":\"c\",\"containerID\":\"containerd://\"}]}}"),
			    "");
}

static void addresses_of_both_families_are_the_pods_own(void **state)
{
	struct kube_pod pod = parse("{" META "},\"status\":{\"phase\":\"Running\",\"podIPs\":["
				    "{\"ip\":\"10.1.2.3\"},{\"ip\":\"fd00::1\"},{\"ip\":\"x\"}]}}");

	(void)state;
	assert_int_equal(pod.n_addresses, 2);
	assert_int_equal(pod.addresses[0].family, CONNECTION_IPV4);
	assert_memory_equal(pod.addresses[0].address, "\x0a\x01\x02\x03", 4);
	assert_int_equal(pod.addresses[1].family, CONNECTION_IPV6);
	kube_pod_deinit(&pod);
}

#define WITH_ADDRESS(meta, spec, status) \
	"{" META meta "},\"spec\":{" spec "},\"status\":{\"podIP\":\"10.1.2.3\"" status "}}"

static void an_address_that_others_have_too_is_not_the_pods(void **state)
{
	(void)state;
	assert_int_equal(n_addresses(WITH_ADDRESS("", "", "")), 1);
	assert_int_equal(n_addresses(WITH_ADDRESS("", "\"hostNetwork\":true", "")), 0);
	assert_int_equal(n_addresses(WITH_ADDRESS("", "", ",\"phase\":\"Succeeded\"")), 0);
	assert_int_equal(n_addresses(WITH_ADDRESS("", "", ",\"phase\":\"Failed\"")), 0);
}

static void a_deleted_pod_has_its_address_while_something_of_it_runs(void **state)
{
	(void)state;
	assert_int_equal(n_addresses(WITH_ADDRESS(",\"deletionTimestamp\":\"t\"", "",
						  ",\"containerStatuses\":[{\"state\":"
						  "{\"running\":{}}}]")),
			 1);
	assert_int_equal(n_addresses(WITH_ADDRESS(",\"deletionTimestamp\":\"t\"", "",
						  ",\"containerStatuses\":[{\"state\":"
						  "{\"terminated\":{}}}]")),
			 0);
}

#define HASH "81d217c7f62c978c3af4318c0d9a3705"
#define OTHERS_UID "0b1cd52e-3b1f-4a58-9a0c-2f3a8c2d6b11"
#define OF_NODE "{\"kind\":\"Node\",\"name\":\"n1\",\"controller\":true}"
#define OF_SET "{\"kind\":\"DaemonSet\",\"name\":\"d\",\"controller\":true}"
#define CONFIG(key, value) "\"kubernetes.io/config." key "\":\"" value "\""
#define WRITTEN(uid, owner, annotations)                                                           \
	"{\"metadata\":{\"uid\":\"" uid "\",\"name\":\"n\",\"ownerReferences\":[" owner              \
	"],\"annotations\":{" annotations "}}}"

static const char *uid_in_cgroups(struct kube_pod pod)
{
	static char uid[64];

	(void)snprintf(uid, sizeof(uid), "%s", pod.cgroup_uid);
	kube_pod_deinit(&pod);
	return uid;
}

static const char *uid_by_api(const char *text)
{
	json_t *object = json_loads(text, 0, NULL);
	struct kube_pod pod;

	assert_int_equal(kube_pod_from_api(object, &pod), 0);
	json_decref(object);
	return uid_in_cgroups(pod);
}

static void a_static_pod_has_the_uid_of_its_cgroups(void **state)
{
	(void)state;
	assert_string_equal(uid_in_cgroups(parse(WRITTEN(
				    HASH, "", CONFIG("source", "file") "," CONFIG("hash", HASH)))),
			    HASH);
	assert_string_equal(uid_in_cgroups(parse(WRITTEN(
				    "u", "", CONFIG("source", "http") "," CONFIG("hash", HASH)))),
			    HASH);
	assert_string_equal(uid_by_api(WRITTEN("u", OF_NODE, CONFIG("mirror", HASH))), HASH);
	assert_string_equal(uid_in_cgroups(parse("{" META "}}")), "u");
}

static void a_pod_that_the_kubelet_has_from_the_api_has_its_own_uid(void **state)
{
	(void)state;
	assert_string_equal(
		uid_in_cgroups(parse(WRITTEN("u", OF_NODE,
					     CONFIG("source", "api") "," CONFIG("hash", HASH) ","
					     CONFIG("mirror", HASH)))),
		"u");
	assert_string_equal(uid_in_cgroups(parse(WRITTEN("u", "", CONFIG("hash", HASH)))), "u");
}

static void a_pod_of_the_api_that_no_node_owns_has_its_own_uid(void **state)
{
	static const char *const pods[] = {
		WRITTEN("u", "", CONFIG("mirror", HASH)),
		WRITTEN("u", OF_SET, CONFIG("mirror", HASH) "," CONFIG("source", "file")),
		WRITTEN("u", "{\"kind\":\"Node\",\"name\":\"n1\"}", CONFIG("mirror", HASH)),
		WRITTEN("u", OF_NODE, CONFIG("hash", HASH) "," CONFIG("source", "file")),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pods) / sizeof(*pods); i++)
		assert_string_equal(uid_by_api(pods[i]), "u");
}

static void what_is_no_hash_is_nobodys_uid(void **state)
{
	(void)state;
	assert_string_equal(uid_in_cgroups(parse(WRITTEN("u", "",
							 CONFIG("source", "file") ","
							 CONFIG("hash", OTHERS_UID)))),
			    "u");
	assert_string_equal(uid_by_api(WRITTEN("u", OF_NODE, CONFIG("mirror", OTHERS_UID))), "u");
	assert_string_equal(uid_by_api(WRITTEN("u", OF_NODE, CONFIG("mirror", HASH "0"))), "u");
	assert_string_equal(uid_by_api(WRITTEN(
				    "u", OF_NODE,
				    CONFIG("mirror", "0b1cd52e-3b1f-4a58-9a0c-2f3a8c2d"))),
			    "u");
}

static void what_is_no_pod_is_told_from_what_is_no_json(void **state)
{
	static const char *const none[] = {"{}", "{\"metadata\":[]}", "{\"metadata\":{\"uid\":1}}",
					   "{\"metadata\":{\"uid\":\"u\",\"name\":\"\"}}"};
	struct kube_pod pod;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_int_equal(kube_pod_from_kubelet(none[i], strlen(none[i]), &pod), -EINVAL);
	assert_int_equal(kube_pod_from_kubelet("{", 1, &pod), -EBADMSG);
	assert_int_equal(kube_pod_from_kubelet("[]", 2, &pod), -EBADMSG);
}

static int append_pod(const char *bytes, size_t size, void *context)
{
	static struct tag_list list;
	struct kube_pod pod;

	assert_int_equal(kube_pod_from_kubelet(bytes, size, &pod), 0);
	tag_list_clear(&list);
	kube_pod_add_tags(&pod, &nothing, &list);
	strcat(strcat(context, tag_texts(&list)), pod.n_addresses ? "own address\n" : "no address\n");
	kube_pod_for_each_container(&pod, append_container, context);
	kube_pod_deinit(&pod);
	return 0;
}

static void the_answer_of_a_real_kubelet_is_understood(void **state)
{
	static char seen[8192], bytes[65536];
	struct json_items *items = json_items_new(JSON_ITEMS_LIST, JSON_ITEMS_MAX_ITEM_BYTES,
						  append_pod, seen);
	FILE *file = fopen(recorded_path, "re");
	size_t n;

	(void)state;
	assert_non_null(file);
	n = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	assert_int_equal(json_items_feed(items, bytes, n), 0);
	json_items_free(items);
	assert_string_equal(
		seen,
		"env:prod kube_namespace:shop kube_node:node1 pod_name:web-node1 service:web "
		"version:1.2 own address\n"
		"9e33c2b34b7d5da8d679a5282abd657ff70b50fcb486d5c8d1981d28ce20e54d: container_name:httpd image_name:localhost/sysprobe-test image_tag:1 "
		"kube_container_name:httpd short_image:sysprobe-test \n"
		"74b420c4ea26574586ef2dc4d11397854b72aaf88ec34e369e2616ce72994dee: container_name:side image_name:localhost/sysprobe-test image_tag:1 "
		"kube_container_name:side service:side short_image:sysprobe-test \n"
		"ccdc5bd3c90d9d0964edec6599e25874a794b0761c4e524320d378f71e5235fa: container_name:init image_name:localhost/sysprobe-test image_tag:1 "
		"kube_container_name:init short_image:sysprobe-test \n"
		"kube_namespace:kube-system kube_node:node1 pod_name:agent-node1 no address\n"
		"705af3d0a807676b411b8592aac3d542c041c5fd2db547d60609cef66c5e3733: container_name:sleep image_name:localhost/sysprobe-test image_tag:1 "
		"kube_container_name:sleep short_image:sysprobe-test \n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_has_its_name_and_place),
		cmocka_unit_test(the_controller_alone_is_the_owner),
		cmocka_unit_test(service_labels_are_tags_and_others_only_when_allowed),
		cmocka_unit_test(containers_of_all_kinds_have_their_own_tags),
		cmocka_unit_test(a_container_that_never_ran_has_no_id),
		cmocka_unit_test(addresses_of_both_families_are_the_pods_own),
		cmocka_unit_test(an_address_that_others_have_too_is_not_the_pods),
		cmocka_unit_test(a_deleted_pod_has_its_address_while_something_of_it_runs),
		cmocka_unit_test(a_static_pod_has_the_uid_of_its_cgroups),
		cmocka_unit_test(a_pod_that_the_kubelet_has_from_the_api_has_its_own_uid),
		cmocka_unit_test(a_pod_of_the_api_that_no_node_owns_has_its_own_uid),
		cmocka_unit_test(what_is_no_hash_is_nobodys_uid),
		cmocka_unit_test(what_is_no_pod_is_told_from_what_is_no_json),
		cmocka_unit_test(the_answer_of_a_real_kubelet_is_understood),
	};

	recorded_path = argc > 1 ? argv[1] : "pods.json";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
