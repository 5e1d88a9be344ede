/* SPDX-License-Identifier: Apache-2.0 */
#include "auth_token.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DIGITS_16 "0123456789abcdef"
#define DIGITS_64 DIGITS_16 DIGITS_16 DIGITS_16 DIGITS_16

struct fixture {
	char folder[32];
	char path[64];
	struct auth_token *token;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	strcpy(fixture->folder, "/tmp/auth_token.XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/token", fixture->folder);
	fixture->token = auth_token_new(fixture->path);
	assert_non_null(fixture->token);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	auth_token_free(fixture->token);
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

static size_t count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t n = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

static void token_is_read_without_the_white_space_around_it(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, " \t" DIGITS_64 "\r\n", 0640);

	assert_int_equal(auth_token_refresh(fixture->token), 0);
	assert_string_equal(auth_token_get(fixture->token), DIGITS_64);
}

static void owner_is_the_user_of_the_file(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);

	assert_int_equal(auth_token_owner(fixture->token), getuid());
}

static void nothing_matches_before_the_first_refresh(void **state)
{
	struct fixture *fixture = *state;

	assert_null(auth_token_get(fixture->token));
	assert_int_equal(auth_token_owner(fixture->token), (uid_t)-1);
	assert_false(auth_token_matches(fixture->token, "", 0));
}

static void missing_file_is_enoent(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(auth_token_refresh(fixture->token), -ENOENT);
}

static void unreadable_file_is_eacces(void **state)
{
	struct fixture *fixture = *state;
	pid_t child;
	int status;

	write_file(fixture, DIGITS_64, 0600);
	assert_int_equal(chmod(fixture->folder, 0711), 0);
	child = fork();
	if (child == 0) {
		/* Root reads everything; and a user who is not root, whom chmod stops. */
		if (getuid() == 0)
			(void)setresuid(65534, 65534, 65534);
		else
			(void)chmod(fixture->path, 0);
		_exit(auth_token_refresh(fixture->token) == -EACCES ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void file_writable_by_others_is_eperm(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64, 0642);

	assert_int_equal(auth_token_refresh(fixture->token), -EPERM);
}

static void permission_change_is_seen_without_a_new_content(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);
	assert_int_equal(chmod(fixture->path, 0646), 0);

	assert_int_equal(auth_token_refresh(fixture->token), -EPERM);
}

static void token_of_31_characters_is_too_short(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_16 "0123456789abcde\n", 0640);

	assert_int_equal(auth_token_refresh(fixture->token), -EINVAL);
}

static void token_of_32_characters_is_accepted(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_16 DIGITS_16 "\n", 0640);

	assert_int_equal(auth_token_refresh(fixture->token), 0);
}

static void token_of_256_characters_is_accepted(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64 DIGITS_64 DIGITS_64 DIGITS_64 "\n", 0640);

	assert_int_equal(auth_token_refresh(fixture->token), 0);
}

static void token_of_257_characters_is_too_long(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64 DIGITS_64 DIGITS_64 DIGITS_64 "0\n", 0640);

	assert_int_equal(auth_token_refresh(fixture->token), -EINVAL);
}

static void token_followed_by_much_white_space_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char text[2048];

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, DIGITS_64, 64);
	text[sizeof(text) - 1] = '\0';
	write_file(fixture, text, 0640);

	assert_int_equal(auth_token_refresh(fixture->token), -EINVAL);
}

static void token_with_a_space_inside_is_refused(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_16 " " DIGITS_16, 0640);

	assert_int_equal(auth_token_refresh(fixture->token), -EINVAL);
}

static void token_with_a_byte_outside_ascii_is_refused(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_16 "\xc3\xa4" DIGITS_16, 0640);

	assert_int_equal(auth_token_refresh(fixture->token), -EINVAL);
}

static void fifo_is_refused_and_does_not_block(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkfifo(fixture->path, 0640), 0);

	assert_int_equal(auth_token_refresh(fixture->token), -EINVAL);
}

static void new_file_of_the_same_name_gives_the_new_token(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);
	assert_int_equal(unlink(fixture->path), 0);
	write_file(fixture, DIGITS_64 "ff", 0640);

	assert_int_equal(auth_token_refresh(fixture->token), 0);
	assert_string_equal(auth_token_get(fixture->token), DIGITS_64 "ff");
}

static void content_changed_behind_an_old_modification_time_is_seen(void **state)
{
	struct fixture *fixture = *state;
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	write_file(fixture, DIGITS_16 DIGITS_16, 0640);
	assert_int_equal(utimensat(AT_FDCWD, fixture->path, old, 0), 0);
	assert_int_equal(auth_token_refresh(fixture->token), 0);
	(void)usleep(20000); /* longer than the kernel's clock tick, which dates the change */
	write_file(fixture, DIGITS_16 "ffffffffffffffff", 0640);
	assert_int_equal(utimensat(AT_FDCWD, fixture->path, old, 0), 0);

	assert_int_equal(auth_token_refresh(fixture->token), 0);
	assert_string_equal(auth_token_get(fixture->token), DIGITS_16 "ffffffffffffffff");
}

static void token_is_forgotten_when_the_file_goes(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(auth_token_refresh(fixture->token), -ENOENT);

	assert_false(auth_token_matches(fixture->token, DIGITS_64, 64));
	assert_null(auth_token_get(fixture->token));
	assert_int_equal(auth_token_owner(fixture->token), (uid_t)-1);
}

static void equal_candidate_matches(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);

	assert_true(auth_token_matches(fixture->token, DIGITS_64, 64));
}

static void candidate_that_differs_in_the_last_character_does_not_match(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_16 DIGITS_16, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);

	assert_false(auth_token_matches(fixture->token, DIGITS_16 "0123456789abcdee", 32));
}

static void candidate_that_differs_in_the_first_character_does_not_match(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_16 DIGITS_16, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);

	assert_false(auth_token_matches(fixture->token, "1123456789abcdef" DIGITS_16, 32));
}

static void beginning_of_the_token_does_not_match(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);

	assert_false(auth_token_matches(fixture->token, DIGITS_64, 63));
	assert_false(auth_token_matches(fixture->token, "", 0));
}

static void created_token_is_64_hex_digits_with_mode_0640(void **state)
{
	struct fixture *fixture = *state;
	mode_t old_mask = umask(077);
	struct stat status;

	assert_int_equal(auth_token_create(fixture->path), 0);
	(void)umask(old_mask);

	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(auth_token_refresh(fixture->token), 0);
	assert_int_equal(strspn(auth_token_get(fixture->token), DIGITS_16), 64);
	assert_int_equal(strlen(auth_token_get(fixture->token)), 64);
}

static void create_leaves_no_temporary_file(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(auth_token_create(fixture->path), 0);

	assert_int_equal(count_files(fixture->folder), 1);
}

static void create_keeps_a_valid_token(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, DIGITS_64, 0640);

	assert_int_equal(auth_token_create(fixture->path), 0);
	assert_int_equal(auth_token_refresh(fixture->token), 0);
	assert_string_equal(auth_token_get(fixture->token), DIGITS_64);
}

static void create_does_not_overwrite_an_invalid_file(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;

	write_file(fixture, "short", 0640);

	assert_int_equal(auth_token_create(fixture->path), -EINVAL);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_size, 5);
}

/* The name is taken between the look and the link, as by a faster process. */
static void create_leaves_a_name_that_is_taken_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	char target[8];

	assert_int_equal(symlink("nowhere", fixture->path), 0);

	assert_int_equal(auth_token_create(fixture->path), -ENOENT);
	assert_int_equal(readlink(fixture->path, target, sizeof(target)), strlen("nowhere"));
	assert_int_equal(count_files(fixture->folder), 1);
}

static void create_in_a_missing_folder_is_enoent(void **state)
{
	(void)state;

	assert_int_equal(auth_token_create("/nonexistent/folder/token"), -ENOENT);
}

static void two_created_tokens_differ(void **state)
{
	struct fixture *fixture = *state;
	char first[AUTH_TOKEN_MAX_CHARS + 1];

	assert_int_equal(auth_token_create(fixture->path), 0);
	assert_int_equal(auth_token_refresh(fixture->token), 0);
	strcpy(first, auth_token_get(fixture->token));
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(auth_token_create(fixture->path), 0);
	assert_int_equal(auth_token_refresh(fixture->token), 0);

	assert_string_not_equal(auth_token_get(fixture->token), first);
}

/* Both processes see the token that is in the file, whoever wrote it. */
static void concurrent_creators_agree_on_one_token(void **state)
{
	struct fixture *fixture = *state;
	int n_failed = 0;

	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			_exit(auth_token_create(fixture->path) == 0 ? 0 : 1);
	for (int i = 0, status; i < 8; i++) {
		assert_true(wait(&status) > 0);
		n_failed += status != 0;
	}

	assert_int_equal(n_failed, 0);
	assert_int_equal(count_files(fixture->folder), 1);
	assert_int_equal(auth_token_refresh(fixture->token), 0);
}

static void free_takes_null(void **state)
{
	(void)state;
	auth_token_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(token_is_read_without_the_white_space_around_it),
		TEST(owner_is_the_user_of_the_file),
		TEST(nothing_matches_before_the_first_refresh),
		TEST(missing_file_is_enoent),
		TEST(unreadable_file_is_eacces),
		TEST(file_writable_by_others_is_eperm),
		TEST(permission_change_is_seen_without_a_new_content),
		TEST(token_of_31_characters_is_too_short),
		TEST(token_of_32_characters_is_accepted),
		TEST(token_of_256_characters_is_accepted),
		TEST(token_of_257_characters_is_too_long),
		TEST(token_followed_by_much_white_space_is_refused),
		TEST(token_with_a_space_inside_is_refused),
		TEST(token_with_a_byte_outside_ascii_is_refused),
		TEST(fifo_is_refused_and_does_not_block),
		TEST(new_file_of_the_same_name_gives_the_new_token),
		TEST(content_changed_behind_an_old_modification_time_is_seen),
		TEST(token_is_forgotten_when_the_file_goes),
		TEST(equal_candidate_matches),
		TEST(candidate_that_differs_in_the_last_character_does_not_match),
		TEST(candidate_that_differs_in_the_first_character_does_not_match),
		TEST(beginning_of_the_token_does_not_match),
		TEST(created_token_is_64_hex_digits_with_mode_0640),
		TEST(create_leaves_no_temporary_file),
		TEST(create_keeps_a_valid_token),
		TEST(create_does_not_overwrite_an_invalid_file),
		TEST(create_leaves_a_name_that_is_taken_meanwhile),
		TEST(create_in_a_missing_folder_is_enoent),
		TEST(two_created_tokens_differ),
		TEST(concurrent_creators_agree_on_one_token),
		TEST(free_takes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
