/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exporters/record_json.h"
#include "exporters/record_tags.h"
#include "tags/tag_sets.h"

static void assert_cell(const char *json, const char *name, const char *wanted)
{
	json_t *record = json_loads(json, 0, NULL);
	char cell[COLUMN_CELL_BYTES];

	assert_non_null(record);
	columns_format(columns_find(name), name, record, cell);
	assert_string_equal(cell, wanted);
	json_decref(record);
}

static void addresses_stand_with_their_ports(void **state)
{
	(void)state;
	assert_cell("{\"local_ip\": \"10.0.0.1\", \"local_port\": 80}", "local", "10.0.0.1:80");
	assert_cell("{\"remote_ip\": \"fd00::1\", \"remote_port\": 443}", "remote",
		    "[fd00::1]:443");
	assert_cell("{}", "remote", "-");
}

static void containers_are_cut_to_what_other_tools_show(void **state)
{
	(void)state;
	assert_cell("{\"container_id\": \"0123456789abcdef\"}", "container", "0123456789ab");
}

static void absent_is_not_zero(void **state)
{
	(void)state;
	assert_cell("{\"rtt_us\": 0}", "rtt", "0us");
	assert_cell("{}", "rtt", "-");
	assert_cell("{\"bytes_sent\": 0}", "sent", "0");
}

static void any_member_may_be_a_column(void **state)
{
	(void)state;
	assert_null(columns_find("netns"));
	assert_cell("{\"netns\": 4026531840}", "netns", "4026531840");
}

static void no_text_moves_the_cursor(void **state)
{
	(void)state;
	assert_cell("{\"comm\": \"a\\u001b[2J\"}", "process", "a?[2J");
}

/* Else the API would refuse what the table asks it for. */
static void every_column_is_made_of_members_that_records_have(void **state)
{
	char names[512], *rest = names;
	struct tag_sets *sets = tag_sets_new();

	(void)state;
	(void)snprintf(names, sizeof(names), "%s,service,connect,duration", columns_default);
	for (char *name; (name = strsep(&rest, ","));) {
		const struct column *column = columns_find(name);
		char members[128], *left = members;

		assert_non_null(column);
		(void)snprintf(members, sizeof(members), "%s",
			       column->members ? column->members : name);
		for (char *member; (member = strsep(&left, ","));)
			assert_true(record_json_has_field(member) ||
				    record_tags_has_field(sets, member));
	}
	tag_sets_free(sets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_stand_with_their_ports),
		cmocka_unit_test(containers_are_cut_to_what_other_tools_show),
		cmocka_unit_test(absent_is_not_zero),
		cmocka_unit_test(any_member_may_be_a_column),
		cmocka_unit_test(no_text_moves_the_cursor),
		cmocka_unit_test(every_column_is_made_of_members_that_records_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
