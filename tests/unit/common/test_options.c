/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "options_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct sample sample;
	struct option_error error;
	char folder[32];
	char path[64];
	FILE *log;
	int saved_stderr;
	char text[4096];
};

/* Only those that a setting could come from: cmocka reads its own from there too. */
static void clear_settings(void)
{
	for (char **variable = environ; *variable;) {
		char name[128];
		size_t size = strcspn(*variable, "=");

		if (strncmp(*variable, "DD_", 3) != 0 || size >= sizeof(name)) {
			variable++;
			continue;
		}
		memcpy(name, *variable, size);
		name[size] = '\0';
		assert_int_equal(unsetenv(name), 0); /* the next one moves up */
	}
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	clear_settings();
	strcpy(fixture->folder, "/tmp/options.XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/f.yaml", fixture->folder);
	fixture->log = tmpfile();
	assert_non_null(fixture->log);
	fixture->saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(fileno(fixture->log), STDERR_FILENO) >= 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	(void)dup2(fixture->saved_stderr, STDERR_FILENO);
	(void)close(fixture->saved_stderr);
	(void)fclose(fixture->log);
	options_free(sample_table, SAMPLE_N, &fixture->sample);
	(void)remove(fixture->path);
	(void)rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static void write_file(const struct fixture *fixture, const char *text, mode_t mode)
{
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(fixture->path, mode), 0);
}

static int load(struct fixture *fixture)
{
	return options_load(sample_table, SAMPLE_N, &fixture->sample, fixture->path, false,
			    &fixture->error);
}

/* The error is the path of the file and then exactly `text`. */
static void assert_error_after_path(const struct fixture *fixture, const char *text)
{
	size_t size = strlen(fixture->path);

	assert_memory_equal(fixture->error.text, fixture->path, size);
	assert_string_equal(fixture->error.text + size, text);
}

static const char *logged(struct fixture *fixture)
{
	ssize_t n = pread(fileno(fixture->log), fixture->text, sizeof(fixture->text) - 1, 0);

	fixture->text[n > 0 ? n : 0] = '\0';
	return fixture->text;
}

static void file_overrides_the_default(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "cmd_port: 7\n", 0640);

	assert_int_equal(load(fixture), 0);
	assert_int_equal(fixture->sample.port, 7);
}

static void environment_overrides_the_file(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "cmd_port: 7\nexporters: [a, b]\n", 0640);
	(void)setenv("DD_CMD_PORT", "8", 1);
	(void)setenv("DD_EXPORTERS", "c", 1);

	assert_int_equal(load(fixture), 0);
	assert_int_equal(fixture->sample.port, 8);
	assert_int_equal(fixture->sample.exporters.n, 1);
	assert_string_equal(fixture->sample.exporters.items[0], "c");
}

static void dots_of_a_key_are_underscores_in_the_environment(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "", 0640);
	(void)setenv("DD_NETWORK_CONFIG_POLL_INTERVAL", "2s", 1);

	assert_int_equal(load(fixture), 0);
	assert_int_equal(fixture->sample.interval_ns, UINT64_C(2000000000));
}

static void further_environment_name_is_read(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "", 0640);
	(void)setenv("DD_SAMPLE_SECOND", "false", 1);

	assert_int_equal(load(fixture), 0);
	assert_false(fixture->sample.is_enabled);
}

static void name_made_from_the_key_wins_over_further_names(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "", 0640);
	(void)setenv("DD_NETWORK_CONFIG_ENABLED", "true", 1);
	(void)setenv("DD_SAMPLE_FIRST", "false", 1);

	assert_int_equal(load(fixture), 0);
	assert_true(fixture->sample.is_enabled);
}

static void earlier_further_name_wins_over_a_later_one(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "", 0640);
	(void)setenv("DD_SAMPLE_FIRST", "false", 1);
	(void)setenv("DD_SAMPLE_SECOND", "true", 1);

	assert_int_equal(load(fixture), 0);
	assert_false(fixture->sample.is_enabled);
}

static void empty_variable_counts_as_not_set(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "", 0640);
	(void)setenv("DD_CMD_PORT", "", 1);
	(void)setenv("DD_NETWORK_CONFIG_ENABLED", "", 1);
	(void)setenv("DD_SAMPLE_FIRST", "false", 1);

	assert_int_equal(load(fixture), 0);
	assert_int_equal(fixture->sample.port, 5001);
	assert_false(fixture->sample.is_enabled);
}

static void bad_variable_is_named_with_its_key(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "", 0640);
	(void)setenv("DD_SAMPLE_FIRST", "maybe", 1);

	assert_int_equal(load(fixture), -EINVAL);
	assert_string_equal(fixture->error.text,
			    "environment variable DD_SAMPLE_FIRST: network_config.enabled: "
			    "\"maybe\" is neither true nor false; allowed: true or false");
}

static void variable_without_effect_is_warned_of_once(void **state)
{
	struct fixture *fixture = *state;
	const char *first;

	write_file(fixture, "network_config:\n  source_excludes: {}\n", 0640);
	(void)setenv("DD_SAMPLE_LEGACY", "x", 1);

	assert_int_equal(load(fixture), 0);
	first = strstr(logged(fixture), "key=network_config.source_excludes");
	assert_non_null(first);
	assert_null(strstr(first + 1, "key="));
}

static void missing_default_file_leaves_the_defaults(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(options_load(sample_table, SAMPLE_N, &fixture->sample, fixture->path, true,
				      &fixture->error), 0);
	assert_int_equal(fixture->sample.port, 5001);
}

static void environment_counts_without_a_file_too(void **state)
{
	struct fixture *fixture = *state;

	(void)setenv("DD_CMD_PORT", "8", 1);

	assert_int_equal(options_load(sample_table, SAMPLE_N, &fixture->sample, fixture->path, true,
				      &fixture->error), 0);
	assert_int_equal(fixture->sample.port, 8);
}

static void missing_named_file_is_an_error(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture), -ENOENT);
	assert_error_after_path(fixture, ": cannot read: No such file or directory; create it, or "
					 "name another file");
}

static void file_writable_by_others_is_refused_with_the_remedy(void **state)
{
	struct fixture *fixture = *state;
	char expected[128];

	write_file(fixture, "cmd_port: 7\n", 0646);
	(void)snprintf(expected, sizeof(expected),
		       ": file is writable by others; chmod o-w %s", fixture->path);

	assert_int_equal(load(fixture), -EINVAL);
	assert_error_after_path(fixture, expected);
}

static int load_as_nobody(struct fixture *fixture)
{
	/* Root reads everything; and a user who is not root, whom chmod stops. */
	if (getuid() == 0)
		(void)setresuid(65534, 65534, 65534);
	else
		(void)chmod(fixture->path, 0);
	if (load(fixture) != -EACCES)
		return 1;
	return strstr(fixture->error.text, ": cannot read: Permission denied; let the user") ? 0 : 2;
}

static void unreadable_file_is_refused_with_the_remedy(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t pid;

	write_file(fixture, "cmd_port: 7\n", 0600);
	assert_int_equal(chmod(fixture->folder, 0711), 0);
	pid = fork();
	if (pid == 0)
		_exit(load_as_nobody(fixture));

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void folder_in_place_of_the_file_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkdir(fixture->path, 0755), 0);

	assert_int_equal(load(fixture), -EINVAL);
	assert_error_after_path(fixture, ": not a regular file; allowed: a YAML file");
}

static void fifo_in_place_of_the_file_does_not_block(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkfifo(fixture->path, 0640), 0);

	assert_int_equal(load(fixture), -EINVAL);
}

static void file_of_one_mebibyte_is_read(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "#", 0640);
	assert_int_equal(truncate(fixture->path, OPTION_MAX_FILE_BYTES), 0);

	/* The zero bytes are read, and are no YAML. */
	assert_int_equal(load(fixture), -EINVAL);
	assert_non_null(strstr(fixture->error.text, "not valid YAML"));
}

static void file_over_one_mebibyte_is_refused(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "#", 0640);
	assert_int_equal(truncate(fixture->path, OPTION_MAX_FILE_BYTES + 1), 0);

	assert_int_equal(load(fixture), -EINVAL);
	assert_error_after_path(fixture, ": file is too large; allowed: 1048576 bytes");
}

static void default_that_does_not_parse_is_an_error(void **state)
{
	static const struct option wrong[] = {
		{ .key = "port", .type = OPTION_INT, .fallback = "0", .min = 1, .max = 9 },
	};
	struct option_error error;
	int64_t port = 0;

	(void)state;
	assert_int_equal(options_load_bytes(wrong, 1, &port, "f", "", 0, &error), -EINVAL);
	assert_string_equal(error.text, "f: port: the default: \"0\" is out of range; allowed: a "
					"whole number from 1 to 9");
}

static void free_zeroes_every_field(void **state)
{
	static const struct sample zero;
	struct fixture *fixture = *state;

	write_file(fixture, "api_key: secret\n", 0640);
	assert_int_equal(load(fixture), 0);
	options_free(sample_table, SAMPLE_N, &fixture->sample);

	assert_memory_equal(&fixture->sample, &zero, sizeof(zero));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(file_overrides_the_default),
		TEST(environment_overrides_the_file),
		TEST(dots_of_a_key_are_underscores_in_the_environment),
		TEST(further_environment_name_is_read),
		TEST(name_made_from_the_key_wins_over_further_names),
		TEST(earlier_further_name_wins_over_a_later_one),
		TEST(empty_variable_counts_as_not_set),
		TEST(bad_variable_is_named_with_its_key),
		TEST(variable_without_effect_is_warned_of_once),
		TEST(missing_default_file_leaves_the_defaults),
		TEST(environment_counts_without_a_file_too),
		TEST(missing_named_file_is_an_error),
		TEST(file_writable_by_others_is_refused_with_the_remedy),
		TEST(unreadable_file_is_refused_with_the_remedy),
		TEST(folder_in_place_of_the_file_is_refused),
		TEST(fifo_in_place_of_the_file_does_not_block),
		TEST(file_of_one_mebibyte_is_read),
		TEST(file_over_one_mebibyte_is_refused),
		TEST(default_that_does_not_parse_is_an_error),
		TEST(free_zeroes_every_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
