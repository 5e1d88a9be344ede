/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "options.h"
#include "recorded.h"
#include "sources/docker/docker_parse.h"
#include "sources/docker/docker_tags.h"
#include "tags/tag_list.h"

static struct option_pair pair = {"*", "label_%%label%%"};
static const struct option_map all_labels = {&pair, 1};
static const struct option_map *const rules[] = {&all_labels};

/* Tags of the last container, sorted, each followed by a space. */
struct found {
	char text[1024], pod_uid[64];
};

static void on_container(const struct docker_container *container, void *context)
{
	struct found *found = context;
	struct tag_list list;
	const char *pod_uid = docker_tags_get(container, rules, 1, &list);

	strcpy(found->pod_uid, pod_uid ? pod_uid : "");
	tag_list_sort(&list);
	found->text[0] = '\0';
	for (size_t i = 0; i < list.n; i++) {
		strcat(found->text, tag_list_get(&list, i));
		strcat(found->text, " ");
	}
}

static void on_event(enum docker_event event, const struct docker_container *container,
		     void *context)
{
	(void)event;
	on_container(container, context);
}

static void name_image_and_labels_become_tags(void **state)
{
	struct found found = {0};
	size_t size;
	char *text = recorded("docker_inspect.json", &size);

	(void)state;
	assert_int_equal(docker_parse_inspect(text, size, on_container, &found), 0);
	assert_string_equal(found.text,
			    "container_name:web1 image_name:localhost/sysprobe-test image_tag:1 "
			    "label_app:web label_com.datadoghq.tags.service:shop service:shop "
			    "short_image:sysprobe-test ");
	assert_string_equal(found.pod_uid, "");
	free(text);
}

static void words_of_an_event_are_no_labels(void **state)
{
	struct found found = {0};
	size_t size;
	char *text = recorded("docker_events.json", &size);

	(void)state;
	assert_int_equal(docker_parse_event(text, strcspn(text, "\n"), on_event, &found), 0);
	assert_string_equal(found.text,
			    "container_name:web1 image_name:localhost/sysprobe-test image_tag:1 "
			    "label_app:web label_com.datadoghq.tags.service:shop service:shop "
			    "short_image:sysprobe-test ");
	free(text);
}

static void label_of_a_kubelet_names_the_pod(void **state)
{
	static const char text[] = "{\"Id\":\"ab\",\"Config\":{\"Labels\":{"
				   "\"io.kubernetes.pod.uid\":\"u-1\"}}}";
	struct found found = {0};

	(void)state;
	assert_int_equal(docker_parse_inspect(text, strlen(text), on_container, &found), 0);
	assert_string_equal(found.pod_uid, "u-1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_image_and_labels_become_tags),
		cmocka_unit_test(words_of_an_event_are_no_labels),
		cmocka_unit_test(label_of_a_kubelet_names_the_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
