/* SPDX-License-Identifier: Apache-2.0 */
#include "process_strings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The strings of a process, whose comm is "old" and handed out. */
struct owner {
	char *strings[PROCESS_N_STRINGS];
	unsigned int handed_out;
	struct process_graveyard graveyard;
};

static int change_comm(struct owner *owner, const char *comm)
{
	struct process_change change = { .mask = 0 };

	process_change_set_text(&change, PROCESS_COMM, comm);
	return process_change_apply(&change, owner->strings, &owner->handed_out,
				    &owner->graveyard);
}

static int set_up(void **state)
{
	struct owner *owner = test_calloc(1, sizeof(*owner));

	process_graveyard_init(&owner->graveyard, 1);
	assert_int_equal(change_comm(owner, "old"), 0);
	owner->handed_out = 1u << PROCESS_COMM;
	*state = owner;
	return 0;
}

static int tear_down(void **state)
{
	struct owner *owner = *state;

	assert_int_equal(process_strings_release(owner->strings, 0, &owner->graveyard), 0);
	process_graveyard_empty(&owner->graveyard);
	test_free(owner);
	return 0;
}

static void replaced_string_that_is_handed_out_stays_readable(void **state)
{
	struct owner *owner = *state;
	const char *old = owner->strings[PROCESS_COMM];

	assert_int_equal(change_comm(owner, "new"), 0);
	assert_string_equal(owner->strings[PROCESS_COMM], "new");
	assert_string_equal(old, "old");
	assert_int_equal(owner->graveyard.n, 1);
}

static void replaced_string_that_nobody_holds_is_not_kept(void **state)
{
	struct owner *owner = *state;

	owner->handed_out = 0;
	assert_int_equal(change_comm(owner, "new"), 0);
	assert_int_equal(owner->graveyard.n, 0);
}

static void string_set_after_a_hand_out_is_not_handed_out(void **state)
{
	struct owner *owner = *state;

	assert_int_equal(change_comm(owner, "new"), 0);
	assert_int_equal(change_comm(owner, "newer"), 0);
	assert_int_equal(owner->graveyard.n, 1);
}

static void same_value_replaces_nothing(void **state)
{
	struct owner *owner = *state;
	const char *old = owner->strings[PROCESS_COMM];

	assert_int_equal(change_comm(owner, "old"), 0);
	assert_ptr_equal(owner->strings[PROCESS_COMM], old);
	assert_int_equal(owner->handed_out, 1u << PROCESS_COMM);
}

static void full_graveyard_refuses_and_changes_nothing(void **state)
{
	struct owner *owner = *state;

	owner->graveyard.max = 0;
	assert_int_equal(change_comm(owner, "new"), -ENOSPC);
	assert_string_equal(owner->strings[PROCESS_COMM], "old");
	assert_int_equal(process_strings_release(owner->strings, owner->handed_out,
						 &owner->graveyard),
			 -ENOSPC);
	assert_string_equal(owner->strings[PROCESS_COMM], "old");
}

static void emptied_graveyard_has_room_again(void **state)
{
	struct owner *owner = *state;

	assert_int_equal(change_comm(owner, "new"), 0);
	process_graveyard_empty(&owner->graveyard);
	owner->handed_out = 1u << PROCESS_COMM;
	assert_int_equal(change_comm(owner, "newer"), 0);
}

static void empty_value_is_unknown(void **state)
{
	struct owner *owner = *state;

	assert_int_equal(change_comm(owner, ""), 0);
	assert_null(owner->strings[PROCESS_COMM]);
}

static void string_over_the_limit_is_cut(void **state)
{
	struct owner *owner = *state;
	char text[PROCESS_MAX_STRING_BYTES + 10];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(change_comm(owner, text), 0);
	assert_int_equal(strlen(owner->strings[PROCESS_COMM]), PROCESS_MAX_STRING_BYTES);
}

static void arguments_become_one_text(void **state)
{
	struct process_change change = { .mask = 0 };
	struct owner *owner = *state;

	process_change_set_command_line(&change, "ls\0-l\0\0", 7, false);
	assert_int_equal(process_change_apply(&change, owner->strings, &owner->handed_out,
					      &owner->graveyard),
			 0);
	assert_string_equal(owner->strings[PROCESS_COMMAND_LINE], "ls -l");
}

#define OWNED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWNED(replaced_string_that_is_handed_out_stays_readable),
		OWNED(replaced_string_that_nobody_holds_is_not_kept),
		OWNED(string_set_after_a_hand_out_is_not_handed_out),
		OWNED(same_value_replaces_nothing),
		OWNED(full_graveyard_refuses_and_changes_nothing),
		OWNED(emptied_graveyard_has_room_again),
		OWNED(empty_value_is_unknown),
		OWNED(string_over_the_limit_is_cut),
		OWNED(arguments_become_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
