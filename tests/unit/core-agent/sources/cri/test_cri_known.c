/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sources/cri/cri_known.h"

static void what_was_asked_is_remembered_while_it_is_listed(void **state)
{
	struct cri_known *known = cri_known_new(4);

	(void)state;
	cri_known_get(known, "a")->is_asked = true;
	cri_known_get(known, "b")->is_asked = true;
	cri_known_begin_list(known);
	assert_true(cri_known_get(known, "a")->is_asked);
	cri_known_end_list(known);

	assert_true(cri_known_get(known, "a")->is_asked);
	assert_false(cri_known_get(known, "b")->is_asked);
	cri_known_free(known);
}

static void list_that_does_not_end_forgets_nothing(void **state)
{
	struct cri_known *known = cri_known_new(4);

	(void)state;
	cri_known_get(known, "a")->is_asked = true;
	cri_known_begin_list(known);
	cri_known_begin_list(known);
	assert_true(cri_known_get(known, "a")->is_asked);
	cri_known_free(known);
}

static void bounds_hold(void **state)
{
	struct cri_known *known = cri_known_new(1);
	char id[ENTITY_ID_SIZE + 1] = "";

	(void)state;
	assert_null(cri_known_get(known, ""));
	memset(id, 'x', ENTITY_ID_SIZE);
	assert_null(cri_known_get(known, id));
	id[ENTITY_ID_SIZE - 1] = '\0';
	assert_non_null(cri_known_get(known, id));
	assert_non_null(cri_known_get(known, id));
	assert_null(cri_known_get(known, "b"));
	cri_known_free(known);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_asked_is_remembered_while_it_is_listed),
		cmocka_unit_test(list_that_does_not_end_forgets_nothing),
		cmocka_unit_test(bounds_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
