/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/probe_problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SOCKET "/run/probe.sock"

/* What was logged since the last call; stderr is a file of the test's own. */
static char logged[8192];

static int set_up(void **state)
{
	FILE *file = tmpfile();

	*state = file;
	unsetenv("JOURNAL_STREAM");
	return file && dup2(fileno(file), STDERR_FILENO) >= 0 ? 0 : -1;
}

static const char *take_log(FILE *file)
{
	size_t n;

	rewind(file);
	n = fread(logged, 1, sizeof(logged) - 1, file);
	logged[n] = '\0';
	rewind(file);
	assert_int_equal(ftruncate(fileno(file), 0), 0);
	assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
	return logged;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void problem_is_logged_once_with_its_remedy(void **state)
{
	struct probe_problems problems = {0};
	const char *text;

	take_log(*state);
	probe_problems_add(&problems, PROBE_NOT_RUNNING, SOCKET, NULL);
	probe_problems_add(&problems, PROBE_NOT_RUNNING, SOCKET, NULL);
	text = take_log(*state);
	assert_int_equal(count_lines(text), 1);
	assert_non_null(strstr(text, "start system-probe"));
	assert_int_equal(problems.n[PROBE_NOT_RUNNING], 2);
}

static void other_kind_is_logged_too(void **state)
{
	struct probe_problems problems = {0};

	probe_problems_add(&problems, PROBE_NOT_RUNNING, SOCKET, NULL);
	take_log(*state);
	probe_problems_add(&problems, PROBE_UNAVAILABLE, SOCKET, "no BTF");
	assert_non_null(strstr(take_log(*state), "reason=\"no BTF\""));
}

static void recovery_is_logged_once_and_only_after_a_problem(void **state)
{
	struct probe_problems problems = {0};

	take_log(*state);
	probe_problems_recovered(&problems, SOCKET);
	assert_string_equal(take_log(*state), "");
	probe_problems_add(&problems, PROBE_TIMEOUT, SOCKET, NULL);
	take_log(*state);
	probe_problems_recovered(&problems, SOCKET);
	probe_problems_recovered(&problems, SOCKET);
	assert_int_equal(count_lines(take_log(*state)), 1);
}

static void problem_is_logged_again_after_recovery(void **state)
{
	struct probe_problems problems = {0};

	probe_problems_add(&problems, PROBE_TIMEOUT, SOCKET, NULL);
	probe_problems_recovered(&problems, SOCKET);
	take_log(*state);
	probe_problems_add(&problems, PROBE_TIMEOUT, SOCKET, NULL);
	assert_int_equal(count_lines(take_log(*state)), 1);
}

static void every_kind_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < PROBE_N_PROBLEMS; i++)
		assert_non_null(probe_problem_name((enum probe_problem)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(problem_is_logged_once_with_its_remedy),
		cmocka_unit_test(other_kind_is_logged_too),
		cmocka_unit_test(recovery_is_logged_once_and_only_after_a_problem),
		cmocka_unit_test(problem_is_logged_again_after_recovery),
		cmocka_unit_test(every_kind_has_a_name),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
