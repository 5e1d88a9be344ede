/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/json_items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

struct seen {
	char text[512]; /* the items, each followed by '|' */
	int answer;	/* of the callback */
};

static int on_item(const char *bytes, size_t size, void *context)
{
	struct seen *seen = context;

	assert_int_equal(strlen(bytes), size);
	strcat(seen->text, bytes);
	strcat(seen->text, "|");
	return seen->answer;
}

/* In pieces of `step` bytes; the rest, if it is there, comes last. */
static int feed(enum json_items_form form, const char *text, size_t step, struct seen *seen)
{
	struct json_items *items = json_items_new(form, 1000, on_item, seen);
	size_t size = strlen(text), n, n_rest = 0;
	const char *rest;
	int r = 0;

	for (size_t i = 0; i < size && r == 0; i += n) {
		n = size - i < step ? size - i : step;
		r = json_items_feed(items, text + i, n);
	}
	rest = json_items_rest(items, &n_rest);
	if (rest)
		strncat(seen->text, rest, n_rest);
	json_items_free(items);
	return r;
}

static const char list[] = "{\"kind\":\"PodList\",\"metadata\":{\"items\":[1]}, \"items\": [\n"
			   "{\"a\":{\"b\":[{}]}} ,{\"c\":\"}\\\"]{\"}],\"z\":\"items\"}\n";
static const char list_seen[] = "{\"a\":{\"b\":[{}]}}|{\"c\":\"}\\\"]{\"}|"
				"{\"kind\":\"PodList\",\"metadata\":{\"items\":[1]}, \"items\": "
				"[],\"z\":\"items\"}";

static void items_of_a_list_come_one_at_a_time_and_the_rest_without_them(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_int_equal(feed(JSON_ITEMS_LIST, list, sizeof(list), &seen), 0);
	assert_string_equal(seen.text, list_seen);
}

static void pieces_of_any_size_give_the_same(void **state)
{
	(void)state;
	for (size_t step = 1; step < 20; step++) {
		struct seen seen = {0};

		assert_int_equal(feed(JSON_ITEMS_LIST, list, step, &seen), 0);
		assert_string_equal(seen.text, list_seen);
	}
}

static void objects_of_a_stream_come_one_at_a_time(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_int_equal(feed(JSON_ITEMS_STREAM, "{\"a\":1}\n{\"b\":{}}{\"c\"", 3, &seen), 0);
	assert_string_equal(seen.text, "{\"a\":1}|{\"b\":{}}|");
}

static void a_list_without_items_has_a_rest(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_int_equal(feed(JSON_ITEMS_LIST, "{\"items\":null}", 5, &seen), 0);
	assert_string_equal(seen.text, "{\"items\":null}");
}

static void items_of_an_array_come_one_at_a_time(void **state)
{
	(void)state;
	for (size_t step = 1; step < 20; step++) {
		struct seen seen = {0};

		assert_int_equal(feed(JSON_ITEMS_ARRAY, " [{\"a\":[{}]} ,\n{},{\"]\":2}]\n", step,
				      &seen), 0);
		assert_string_equal(seen.text, "{\"a\":[{}]}|{}|{\"]\":2}|[]");
	}
}

static void an_array_that_is_cut_has_no_rest(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_int_equal(feed(JSON_ITEMS_ARRAY, "[{}", 5, &seen), 0);
	assert_string_equal(seen.text, "{}|");
}

static void what_is_no_array_of_objects_is_refused(void **state)
{
	static const char *const texts[] = {"{}", "{\"items\":[{}]}", "[1]", "[[]]", "[null]",
					    "[\"a\"]", "[{}] x", "[] []", "]", "<html>"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct seen seen = {0};

		assert_int_equal(feed(JSON_ITEMS_ARRAY, texts[i], 100, &seen), -EBADMSG);
	}
}

static void a_list_that_is_cut_has_no_rest(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_int_equal(feed(JSON_ITEMS_LIST, "{\"items\":[{}]", 5, &seen), 0);
	assert_string_equal(seen.text, "{}|");
}

static void what_is_no_such_text_is_refused(void **state)
{
	static const char *const texts[] = {"<html>", "[1]", "}", "{\"items\":[1]}",
					    "{\"items\":[[]]}", "{} x", "{\"items\":[\"a\"]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct seen seen = {0};

		assert_int_equal(feed(JSON_ITEMS_LIST, texts[i], 100, &seen), -EBADMSG);
	}
}

static void an_error_of_the_callback_ends_it(void **state)
{
	struct seen seen = {.answer = -ENOMEM};

	(void)state;
	assert_int_equal(feed(JSON_ITEMS_STREAM, "{}{}", 100, &seen), -ENOMEM);
	assert_string_equal(seen.text, "{}|");
}

static void an_item_that_is_too_large_is_refused(void **state)
{
	struct seen seen = {0};
	struct json_items *items = json_items_new(JSON_ITEMS_STREAM, 2 * 1024 * 1024, on_item,
						  &seen);
	char *piece = malloc(65536);
	int r = json_items_feed(items, "{\"", 2);

	(void)state;
	memset(piece, 'x', 65536);
	for (int i = 0; i < 31 && r == 0; i++)
		r = json_items_feed(items, piece, 65536);
	assert_int_equal(r, 0);
	assert_int_equal(json_items_feed(items, piece, 65536), -EFBIG);
	free(piece);
	json_items_free(items);
}

static void a_rest_that_is_too_large_is_refused(void **state)
{
	struct seen seen = {0};
	struct json_items *items = json_items_new(JSON_ITEMS_LIST, 1000, on_item, &seen);
	char *piece = malloc(JSON_ITEMS_MAX_REST_BYTES);

	(void)state;
	memset(piece, ' ', JSON_ITEMS_MAX_REST_BYTES);
	assert_int_equal(json_items_feed(items, "{", 1), 0);
	assert_int_equal(json_items_feed(items, piece, JSON_ITEMS_MAX_REST_BYTES), -EFBIG);
	json_items_reset(items);
	assert_int_equal(json_items_feed(items, "{}", 2), 0);
	free(piece);
	json_items_free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_of_a_list_come_one_at_a_time_and_the_rest_without_them),
		cmocka_unit_test(pieces_of_any_size_give_the_same),
		cmocka_unit_test(objects_of_a_stream_come_one_at_a_time),
		cmocka_unit_test(a_list_without_items_has_a_rest),
		cmocka_unit_test(items_of_an_array_come_one_at_a_time),
		cmocka_unit_test(an_array_that_is_cut_has_no_rest),
		cmocka_unit_test(what_is_no_array_of_objects_is_refused),
		cmocka_unit_test(a_list_that_is_cut_has_no_rest),
		cmocka_unit_test(what_is_no_such_text_is_refused),
		cmocka_unit_test(an_error_of_the_callback_ends_it),
		cmocka_unit_test(an_item_that_is_too_large_is_refused),
		cmocka_unit_test(a_rest_that_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
