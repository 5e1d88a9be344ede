/* SPDX-License-Identifier: Apache-2.0 */
#include "tags/image_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tags/tag_list.h"

static void expect(const char *image, const char *const *tags, size_t n)
{
	struct tag_list list;

	tag_list_clear(&list);
	image_name_add_tags(&list, image);
	assert_int_equal(list.n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(tag_list_get(&list, i), tags[i]);
}

#define EXPECT(image, ...) \
	expect(image, (const char *const[]){__VA_ARGS__}, \
	       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void a_name_has_path_last_part_and_tag(void **state)
{
	(void)state;
	EXPECT("registry.example:5000/shop/web:1.2", "image_name:registry.example:5000/shop/web",
	       "short_image:web", "image_tag:1.2");
	EXPECT("web:1", "image_name:web", "short_image:web", "image_tag:1");
}

static void a_port_is_no_tag(void **state)
{
	(void)state;
	EXPECT("localhost:5000/web", "image_name:localhost:5000/web", "short_image:web");
}

static void a_digest_is_left_out(void **state)
{
	(void)state;
	EXPECT("shop/web:1@sha256:0123", "image_name:shop/web", "short_image:web", "image_tag:1");
	EXPECT("shop/web@sha256:0123", "image_name:shop/web", "short_image:web");
}

static void nothing_but_a_digest_says_nothing(void **state)
{
	(void)state;
	expect("sha256:0123", NULL, 0);
	expect("", NULL, 0);
	expect(NULL, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_path_last_part_and_tag),
		cmocka_unit_test(a_port_is_no_tag),
		cmocka_unit_test(a_digest_is_left_out),
		cmocka_unit_test(nothing_but_a_digest_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
