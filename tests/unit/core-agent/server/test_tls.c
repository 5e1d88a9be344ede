/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[40];
	char path[64];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->folder, "/tmp/test-tls-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/cert.pem", fixture->folder);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static int64_t inode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return (int64_t)status.st_ino;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void the_file_is_made_once_and_private(void **state)
{
	const struct fixture *fixture = *state;
	struct tls_context *tls;
	struct stat status;
	int64_t inode;

	assert_int_equal(tls_context_new(fixture->path, NULL, &tls), 0);
	assert_false(tls_context_is_ending(tls));
	assert_false(tls_context_is_foreign(tls));
	tls_context_unref(tls);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	inode = inode_of(fixture->path);
	assert_int_equal(tls_context_new(fixture->path, NULL, &tls), 0);
	tls_context_unref(tls);
	assert_int_equal(inode_of(fixture->path), inode);
}

static void another_host_wants_another_certificate(void **state)
{
	const struct fixture *fixture = *state;
	struct tls_context *tls;
	int64_t inode;

	assert_int_equal(tls_context_new(fixture->path, NULL, &tls), 0);
	tls_context_unref(tls);
	inode = inode_of(fixture->path);
	assert_int_equal(tls_context_new(fixture->path, "192.0.2.1", &tls), 0);
	tls_context_unref(tls);
	assert_int_not_equal(inode_of(fixture->path), inode);
}

static void a_file_without_certificate_is_refused_and_kept(void **state)
{
	const struct fixture *fixture = *state;
	struct tls_context *tls;
	int64_t inode;

	write_text(fixture->path, "not PEM", 0600);
	inode = inode_of(fixture->path);
	assert_int_equal(tls_context_new(fixture->path, NULL, &tls), -EINVAL);
	assert_int_equal(inode_of(fixture->path), inode);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	struct tls_context *tls;

	assert_int_equal(tls_context_new(fixture->path, NULL, &tls), 0);
	tls_context_unref(tls);
	assert_int_equal(chmod(fixture->path, 0640), 0);
	assert_int_equal(tls_context_new(fixture->path, NULL, &tls), -EPERM);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	struct tls_context *tls;

	(void)state;
	assert_int_equal(tls_context_new("/nowhere/cert.pem", NULL, &tls), -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_file_is_made_once_and_private, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_host_wants_another_certificate, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_file_without_certificate_is_refused_and_kept, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_others_may_read_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_an_error, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
