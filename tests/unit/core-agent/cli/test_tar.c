/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tar.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The archive, extracted by the system's tar, as one text. */
static void assert_extracts(FILE *archive, const char *command, const char *wanted)
{
	char line[256], text[1024] = "";
	FILE *out;

	assert_int_equal(fflush(archive), 0);
	(void)snprintf(line, sizeof(line), "tar -f /proc/%d/fd/%d -%s 2>&1", (int)getpid(),
		       fileno(archive), command);
	out = popen(line, "r");
	assert_non_null(out);
	text[fread(text, 1, sizeof(text) - 1, out)] = '\0';
	assert_int_equal(pclose(out), 0);
	assert_string_equal(text, wanted);
}

static void tar_reads_what_was_written(void **state)
{
	FILE *archive = tmpfile();
	char block[512];

	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(tar_add(archive, "a/one", "1\n", 2, 0), 0);
	assert_int_equal(tar_add(archive, "a/empty", "", 0, 0), 0);
	assert_int_equal(tar_add(archive, "a/block", block, sizeof(block), 0), 0);
	assert_int_equal(tar_add(archive, "a/two", "2\n", 2, 1700000000), 0);
	assert_int_equal(tar_end(archive), 0);
	assert_extracts(archive, "t", "a/one\na/empty\na/block\na/two\n");
	assert_extracts(archive, "xO a/one a/two", "1\n2\n");
	assert_int_equal(fclose(archive), 0);
}

static void long_names_are_refused(void **state)
{
	char name[101];

	(void)state;
	memset(name, 'x', 100);
	name[100] = '\0';
	assert_int_equal(tar_add(stdout, name, "", 0, 0), -ENAMETOOLONG);
}

static void a_full_disk_is_an_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	int r;

	(void)state;
	r = tar_add(full, "x", "", 0, 0);
	if (r == 0)
		r = tar_end(full);
	assert_int_equal(r, -ENOSPC);
	(void)fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tar_reads_what_was_written),
		cmocka_unit_test(long_names_are_refused),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
