/* SPDX-License-Identifier: Apache-2.0 */
#include "recent/texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void equal_texts_have_one_address(void **state)
{
	char first[] = "one", second[] = "one";
	struct texts *texts = texts_new();
	const char *a = texts_take(texts, first), *b = texts_take(texts, second);

	(void)state;
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(texts_take(texts, "two"), a);
	texts_free(texts);
}

static void a_text_goes_with_its_last_user(void **state)
{
	struct texts *texts = texts_new();
	const char *a = texts_take(texts, "one"), *b = texts_take(texts, "one");

	(void)state;
	texts_release(texts, a);
	assert_int_equal(texts_n(texts), 1);
	texts_release(texts, b);
	assert_int_equal(texts_n(texts), 0);
	texts_free(texts);
}

static void nothing_and_empty_are_unknown(void **state)
{
	struct texts *texts = texts_new();

	(void)state;
	assert_null(texts_take(texts, NULL));
	assert_null(texts_take(texts, ""));
	texts_release(texts, NULL);
	texts_free(texts);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_texts_have_one_address),
		cmocka_unit_test(a_text_goes_with_its_last_user),
		cmocka_unit_test(nothing_and_empty_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
