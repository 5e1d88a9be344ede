/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "intake/trouble.h"
#include "log.h"

static int n_lines;

/* In place of common's: counts. */
void log_line(enum log_level level, const char *sentence, const char *fields, ...)
{
	(void)level;
	(void)sentence;
	(void)fields;
	n_lines++;
}

static int reset(void **state)
{
	(void)state;
	n_lines = 0;
	return 0;
}

static void success_is_no_trouble(void **state)
{
	(void)state;
	assert_int_equal(trouble_of_status(200), TROUBLE_NONE);
	assert_int_equal(trouble_of_status(202), TROUBLE_NONE);
	assert_int_equal(trouble_of_status(299), TROUBLE_NONE);
}

static void overload_and_server_errors_pass(void **state)
{
	(void)state;
	assert_true(trouble_is_passing(trouble_of_status(408)));
	assert_true(trouble_is_passing(trouble_of_status(429)));
	assert_true(trouble_is_passing(trouble_of_status(500)));
	assert_true(trouble_is_passing(trouble_of_status(503)));
}

static void other_statuses_are_final(void **state)
{
	(void)state;
	assert_false(trouble_is_passing(trouble_of_status(301)));
	assert_false(trouble_is_passing(trouble_of_status(400)));
	assert_false(trouble_is_passing(trouble_of_status(403)));
	assert_false(trouble_is_passing(trouble_of_status(404)));
	assert_false(trouble_is_passing(trouble_of_status(413)));
}

static void refused_key_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(trouble_of_status(401), TROUBLE_API_KEY);
	assert_int_equal(trouble_of_status(403), TROUBLE_API_KEY);
}

static void certificate_is_told_apart_from_the_network(void **state)
{
	(void)state;
	assert_int_equal(trouble_of_curl(CURLE_PEER_FAILED_VERIFICATION), TROUBLE_TLS);
	assert_int_equal(trouble_of_curl(CURLE_COULDNT_CONNECT), TROUBLE_NETWORK);
}

static void each_kind_is_logged_once(void **state)
{
	struct troubles troubles = {0};

	(void)state;
	troubles_note(&troubles, TROUBLE_API_KEY, NULL);
	troubles_note(&troubles, TROUBLE_API_KEY, NULL);
	assert_int_equal(n_lines, 1);
	troubles_note(&troubles, TROUBLE_REPLY, NULL);
	assert_int_equal(n_lines, 2);
}

static void passing_trouble_that_is_over_is_logged_anew(void **state)
{
	struct troubles troubles = {0};

	(void)state;
	troubles_note(&troubles, TROUBLE_NETWORK, NULL);
	troubles_over(&troubles);
	assert_int_equal(n_lines, 2);
	troubles_note(&troubles, TROUBLE_NETWORK, NULL);
	assert_int_equal(n_lines, 3);
}

static void success_without_trouble_before_logs_nothing(void **state)
{
	struct troubles troubles = {0};

	(void)state;
	troubles_note(&troubles, TROUBLE_REPLY, NULL);
	troubles_over(&troubles);
	troubles_note(&troubles, TROUBLE_REPLY, NULL);
	assert_int_equal(n_lines, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_is_no_trouble),
		cmocka_unit_test(overload_and_server_errors_pass),
		cmocka_unit_test(other_statuses_are_final),
		cmocka_unit_test(refused_key_is_told_apart),
		cmocka_unit_test(certificate_is_told_apart_from_the_network),
		cmocka_unit_test_setup(each_kind_is_logged_once, reset),
		cmocka_unit_test_setup(passing_trouble_that_is_over_is_logged_anew, reset),
		cmocka_unit_test_setup(success_without_trouble_before_logs_nothing, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
