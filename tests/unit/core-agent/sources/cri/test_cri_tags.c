/* SPDX-License-Identifier: Apache-2.0 */
/* With answers of containerd 1.6, as they were recorded; seeds of the fuzzer too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "options.h"
#include "sources/cri/cri_known.h"
#include "sources/cri/cri_tags.h"
#include "sources/cri/grpc_frame.h"
#include "tags/tag_list.h"

static const struct option_map no_rules;

static void *recorded(const char *name, const ProtobufCMessageDescriptor *descriptor)
{
	static uint8_t bytes[65536];
	const uint8_t *packed;
	char path[512];
	size_t size;
	void *message;
	FILE *file;

	(void)snprintf(path, sizeof(path), RECORDED_DIR "/cri/%s", name);
	file = fopen(path, "re");
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	assert_int_equal(grpc_frame_get(bytes, size, &packed, &size), 0);
	message = protobuf_c_message_unpack(descriptor, NULL, size, packed);
	assert_non_null(message);
	return message;
}

static const char *text_of(struct tag_list *list)
{
	static char text[1024];

	tag_list_sort(list);
	text[0] = '\0';
	for (size_t i = 0; i < list->n; i++) {
		strcat(text, tag_list_get(list, i));
		strcat(text, " ");
	}
	return text;
}

static void container_has_name_image_and_labels(void **state)
{
	struct option_pair pair = {"app", "app_name"};
	const struct option_map rules = {&pair, 1};
	Cri__ListContainersResponse *response =
		recorded("containers", &cri__list_containers_response__descriptor);
	const Cri__Container *container = response->containers[0];
	struct tag_list list;

	(void)state;
	assert_int_equal(response->n_containers, 1);
	assert_int_equal(strlen(container->id), 64);
	cri_tags_get_container(container, cri_tags_image(container->image), &rules, &list);
	assert_string_equal(text_of(&list),
			    "app_name:shop container_name:web1 "
			    "image_name:localhost/sysprobe-test image_tag:1 "
			    "kube_container_name:web1 short_image:sysprobe-test ");
	cri__list_containers_response__free_unpacked(response, NULL);
}

static void pod_has_name_and_namespace(void **state)
{
	Cri__ListPodSandboxResponse *response =
		recorded("pods", &cri__list_pod_sandbox_response__descriptor);
	struct tag_list list;

	(void)state;
	assert_int_equal(response->n_items, 1);
	assert_int_equal(response->items[0]->state, CRI__POD_SANDBOX_STATE__SANDBOX_READY);
	assert_int_equal(strlen(response->items[0]->metadata->uid), 36);
	cri_tags_get_pod(response->items[0], &list);
	assert_string_equal(text_of(&list), "kube_namespace:default pod_name:shop ");
	cri__list_pod_sandbox_response__free_unpacked(response, NULL);
}

static void pod_with_the_network_of_its_host_has_no_address(void **state)
{
	Cri__PodSandboxStatusResponse *response =
		recorded("pod_status", &cri__pod_sandbox_status_response__descriptor);
	char address[] = "10.0.0.1";
	Cri__PodSandboxNetworkStatus network = CRI__POD_SANDBOX_NETWORK_STATUS__INIT;
	Cri__PodSandboxNetworkStatus *before = response->status->network;
	struct cri_item item = {.n_addresses = 3};

	(void)state;
	network.ip = address;
	response->status->network = &network;
	cri_tags_read_addresses(response->status, &item);
	assert_int_equal(item.n_addresses, 0);
	response->status->network = before;
	cri__pod_sandbox_status_response__free_unpacked(response, NULL);
}

static void pod_has_all_its_addresses(void **state)
{
	static const uint8_t expected[16] = {10, 1, 2, 3};
	char first[] = "10.1.2.3", second[] = "fd00::7", third[] = "none";
	Cri__PodIP ipv6 = CRI__POD_IP__INIT, broken = CRI__POD_IP__INIT;
	Cri__PodIP *more[] = {&ipv6, &broken};
	Cri__PodSandboxNetworkStatus network = CRI__POD_SANDBOX_NETWORK_STATUS__INIT;
	Cri__PodSandboxStatus status = CRI__POD_SANDBOX_STATUS__INIT;
	struct cri_item item = {0};

	(void)state;
	ipv6.ip = second;
	broken.ip = third;
	network.ip = first;
	network.additional_ips = more;
	network.n_additional_ips = 2;
	status.network = &network;
	cri_tags_read_addresses(&status, &item);
	assert_int_equal(item.n_addresses, 2);
	assert_memory_equal(item.addresses[0].address, expected, 16);
	assert_int_equal(item.addresses[1].family, CONNECTION_IPV6);
}

static void image_that_is_an_id_has_the_name_that_the_pod_said(void **state)
{
	char id[] = "sha256:c5c5da391a2b3874739231f1d5c81f9c329a8d9063a00e61717388f97e483d14";
	char name[] = "r.example/web:2";
	Cri__ImageSpec image = CRI__IMAGE_SPEC__INIT;

	(void)state;
	image.image = id;
	assert_string_equal(cri_tags_image(&image), "");
	image.user_specified_image = name;
	assert_string_equal(cri_tags_image(&image), name);
	assert_string_equal(cri_tags_image(NULL), "");
}

static void status_names_the_image(void **state)
{
	Cri__ContainerStatusResponse *response =
		recorded("container_status", &cri__container_status_response__descriptor);

	(void)state;
	assert_string_equal(cri_tags_image(response->status->image), "localhost/sysprobe-test:1");
	cri__container_status_response__free_unpacked(response, NULL);
}

static void empty_messages_have_no_tags(void **state)
{
	Cri__Container container = CRI__CONTAINER__INIT;
	Cri__PodSandbox pod = CRI__POD_SANDBOX__INIT;
	struct tag_list list;

	(void)state;
	cri_tags_get_container(&container, "", &no_rules, &list);
	assert_int_equal(list.n, 0);
	cri_tags_get_pod(&pod, &list);
	assert_int_equal(list.n, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(container_has_name_image_and_labels),
		cmocka_unit_test(pod_has_name_and_namespace),
		cmocka_unit_test(pod_with_the_network_of_its_host_has_no_address),
		cmocka_unit_test(pod_has_all_its_addresses),
		cmocka_unit_test(image_that_is_an_id_has_the_name_that_the_pod_said),
		cmocka_unit_test(status_names_the_image),
		cmocka_unit_test(empty_messages_have_no_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
