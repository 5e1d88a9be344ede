/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TIME_SIZE (sizeof("2026-11-21T10:00:00Z ") - 1)

/* stderr goes to `file` while a test runs; `text` is what it then held. */
struct capture {
	FILE *file;
	int saved;
	char text[2 * LOG_MAX_LINE_BYTES];
};

static int set_up(void **state)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	assert_non_null(capture);
	(void)unsetenv("JOURNAL_STREAM");
	log_set_level(LOG_LEVEL_INFO);
	capture->file = tmpfile();
	assert_non_null(capture->file);
	capture->saved = dup(STDERR_FILENO);
	assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
	*state = capture;
	return 0;
}

static int tear_down(void **state)
{
	struct capture *capture = *state;

	(void)dup2(capture->saved, STDERR_FILENO);
	(void)close(capture->saved);
	(void)fclose(capture->file);
	free(capture);
	return 0;
}

static const char *captured(struct capture *capture)
{
	ssize_t n = pread(fileno(capture->file), capture->text, sizeof(capture->text) - 1, 0);

	capture->text[n > 0 ? n : 0] = '\0';
	return capture->text;
}

/* Without the time, which is not under the test's control. */
static const char *captured_after_time(struct capture *capture)
{
	return strlen(captured(capture)) > TIME_SIZE ? capture->text + TIME_SIZE : "";
}

static void line_has_level_sentence_and_fields(void **state)
{
	log_warn("cannot do it", "path=%s n=%d", "/x", 3);

	assert_string_equal(captured_after_time(*state), "warn cannot do it path=/x n=3\n");
}

static void line_starts_with_utc_time(void **state)
{
	struct capture *capture = *state;
	int year, month, day, hour, minute, second;
	char end[3] = "";

	log_info("started", NULL);

	assert_int_equal(sscanf(captured(capture), "%4d-%2d-%2dT%2d:%2d:%2d%2[Z ]", &year, &month,
				&day, &hour, &minute, &second, end), 7);
	assert_string_equal(end, "Z ");
	assert_string_equal(capture->text + TIME_SIZE, "info started\n");
}

static void line_above_the_level_is_dropped(void **state)
{
	log_debug("detail", NULL);

	assert_string_equal(captured(*state), "");
}

static void level_debug_lets_debug_pass(void **state)
{
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("detail", NULL);

	assert_string_equal(captured_after_time(*state), "debug detail\n");
}

static void plain_value_stands_without_quotes(void **state)
{
	log_info("x", "a=%s", "/run/a-b_c:1");

	assert_string_equal(captured_after_time(*state), "info x a=/run/a-b_c:1\n");
}

static void value_with_space_is_quoted(void **state)
{
	log_info("x", "a=%s", "No such file");

	assert_string_equal(captured_after_time(*state), "info x a=\"No such file\"\n");
}

static void value_with_equals_sign_cannot_forge_a_field(void **state)
{
	log_info("x", "a=%s", "b=c");

	assert_string_equal(captured_after_time(*state), "info x a=\"b=c\"\n");
}

static void quote_and_backslash_are_escaped(void **state)
{
	log_info("x", "a=%s", "\"\\");

	assert_string_equal(captured_after_time(*state), "info x a=\"\\\"\\\\\"\n");
}

static void newline_in_value_cannot_forge_a_line(void **state)
{
	log_info("x", "a=%s", "b\n<0>c");

	assert_string_equal(captured_after_time(*state), "info x a=\"b\\n<0>c\"\n");
}

static void bytes_outside_ascii_are_written_in_hex(void **state)
{
	log_info("x", "a=%s", "\x1b[\xc3\xa4\x7f");

	assert_string_equal(captured_after_time(*state), "info x a=\"\\x1b[\\xc3\\xa4\\x7f\"\n");
}

static void empty_value_is_a_pair_of_quotes(void **state)
{
	log_info("x", "a=%s", "");

	assert_string_equal(captured_after_time(*state), "info x a=\"\"\n");
}

static void null_value_is_a_dash(void **state)
{
	const char *volatile none = NULL;

	log_info("x", "a=%s b=%d", none, 1);

	assert_string_equal(captured_after_time(*state), "info x a=- b=1\n");
}

static void precision_limits_what_is_read_of_a_string(void **state)
{
	const char span[3] = { 'a', 'b', 'c' }; /* no NUL */

	log_info("x", "a=%.*s b=%d", 3, span, 1);

	assert_string_equal(captured_after_time(*state), "info x a=abc b=1\n");
}

static void every_integer_width_keeps_its_extreme_value(void **state)
{
	log_info("x", "a=%d b=%u c=%x d=%ld e=%lu f=%lld g=%llu h=%zd i=%zu j=%" PRIu64 " k=%i",
		 INT32_MIN, UINT32_MAX, 0xbeefU, INT64_MIN, UINT64_MAX, (long long)INT64_MAX,
		 (unsigned long long)UINT64_MAX, (ssize_t)-1, (size_t)7, UINT64_C(8), -9);

	assert_string_equal(captured_after_time(*state),
			    "info x a=-2147483648 b=4294967295 c=beef d=-9223372036854775808"
			    " e=18446744073709551615 f=9223372036854775807"
			    " g=18446744073709551615 h=-1 i=7 j=8 k=-9\n");
}

static void percent_sign_is_written_once(void **state)
{
	log_info("x", "a=%d%%", 5);

	assert_string_equal(captured_after_time(*state), "info x a=5%\n");
}

static void unsupported_conversion_ends_the_line(void **state)
{
	log_info("x", "a=%f b=%s", 1.0, "y");

	assert_string_equal(captured_after_time(*state), "info x a=(unsupported format)\n");
}

static void long_line_is_cut_at_the_limit_and_ends_in_dots(void **state)
{
	struct capture *capture = *state;
	char value[2 * LOG_MAX_LINE_BYTES];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_info("x", "a=%s", value);

	assert_int_equal(strlen(captured(capture)), LOG_MAX_LINE_BYTES);
	assert_string_equal(capture->text + LOG_MAX_LINE_BYTES - 6, "vv...\n");
}

static void line_of_the_exact_limit_is_not_cut(void **state)
{
	struct capture *capture = *state;
	char value[LOG_MAX_LINE_BYTES] = "";

	memset(value, 'v', LOG_MAX_LINE_BYTES - TIME_SIZE - strlen("info x a=\n"));
	log_info("x", "a=%s", value);

	assert_int_equal(strlen(captured(capture)), LOG_MAX_LINE_BYTES);
	assert_string_equal(capture->text + LOG_MAX_LINE_BYTES - 3, "vv\n");
}

static void journal_gets_priority_in_place_of_the_time(void **state)
{
	struct stat status;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	log_error("broken", NULL);

	assert_string_equal(captured(*state), "<3>error broken\n");
}

static void journal_stream_of_another_file_changes_nothing(void **state)
{
	struct stat status;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino + 1);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	log_error("broken", NULL);

	assert_string_equal(captured_after_time(*state), "error broken\n");
}

static void errno_survives_a_line(void **state)
{
	errno = ENOENT;
	(void)close(STDERR_FILENO);
	log_info("x", NULL);

	assert_int_equal(errno, ENOENT);
	assert_string_equal(captured(*state), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(line_has_level_sentence_and_fields),
		TEST(line_starts_with_utc_time),
		TEST(line_above_the_level_is_dropped),
		TEST(level_debug_lets_debug_pass),
		TEST(plain_value_stands_without_quotes),
		TEST(value_with_space_is_quoted),
		TEST(value_with_equals_sign_cannot_forge_a_field),
		TEST(quote_and_backslash_are_escaped),
		TEST(newline_in_value_cannot_forge_a_line),
		TEST(bytes_outside_ascii_are_written_in_hex),
		TEST(empty_value_is_a_pair_of_quotes),
		TEST(null_value_is_a_dash),
		TEST(precision_limits_what_is_read_of_a_string),
		TEST(every_integer_width_keeps_its_extreme_value),
		TEST(percent_sign_is_written_once),
		TEST(unsupported_conversion_ends_the_line),
		TEST(long_line_is_cut_at_the_limit_and_ends_in_dots),
		TEST(line_of_the_exact_limit_is_not_cut),
		TEST(journal_gets_priority_in_place_of_the_time),
		TEST(journal_stream_of_another_file_changes_nothing),
		TEST(errno_survives_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
