/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "sources/image_name.h"
#include "tags/tag_list.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void expect_tags(const char *reference, const char *name, const char *short_name,
			const char *tag)
{
	struct tag_list list;

	tag_list_clear(&list);
	assert_int_equal(image_name_add_tags(&list, reference), 0);
	assert_string_equal(tag_list_get(&list, 0), name);
	assert_string_equal(tag_list_get(&list, 1), short_name);
	assert_int_equal(list.n, tag ? 3 : 2);
	if (tag)
		assert_string_equal(tag_list_get(&list, 2), tag);
}

static void name_tag_and_last_component_are_told_apart(void **state)
{
	(void)state;
	expect_tags("busybox:1.36", "image_name:busybox", "short_image:busybox",
		    "image_tag:1.36");
	expect_tags("library/redis:7", "image_name:library/redis", "short_image:redis",
		    "image_tag:7");
	expect_tags("a.example/b/c:d", "image_name:a.example/b/c", "short_image:c",
		    "image_tag:d");
}

static void port_of_a_registry_is_no_tag(void **state)
{
	(void)state;
	expect_tags("localhost:5000/shop/web:2", "image_name:localhost:5000/shop/web",
		    "short_image:web", "image_tag:2");
	expect_tags("localhost:5000/web", "image_name:localhost:5000/web", "short_image:web",
		    "image_tag:latest");
}

static void no_tag_means_latest(void **state)
{
	(void)state;
	expect_tags("nginx", "image_name:nginx", "short_image:nginx", "image_tag:latest");
}

static void digest_is_left_out_and_makes_no_tag(void **state)
{
	(void)state;
	expect_tags("r/web@sha256:" HEX64, "image_name:r/web", "short_image:web", NULL);
	expect_tags("r/web:3@sha256:" HEX64, "image_name:r/web", "short_image:web",
		    "image_tag:3");
}

static void image_without_a_name_has_no_tags(void **state)
{
	struct tag_list list;

	(void)state;
	tag_list_clear(&list);
	assert_int_equal(image_name_add_tags(&list, "sha256:" HEX64), -ENODATA);
	assert_int_equal(image_name_add_tags(&list, HEX64), -ENODATA);
	assert_int_equal(image_name_add_tags(&list, ""), -ENODATA);
	assert_int_equal(image_name_add_tags(&list, ":x"), -ENODATA);
	assert_int_equal(list.n, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_tag_and_last_component_are_told_apart),
		cmocka_unit_test(port_of_a_registry_is_no_tag),
		cmocka_unit_test(no_tag_means_latest),
		cmocka_unit_test(digest_is_left_out_and_makes_no_tag),
		cmocka_unit_test(image_without_a_name_has_no_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
