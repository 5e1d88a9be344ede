/* SPDX-License-Identifier: Apache-2.0 */
#include "auth_token.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_BYTES 32
#define READ_BYTES 1024 /* the longest token with generous white space around it */

struct auth_token {
	char *path;
	char text[AUTH_TOKEN_MAX_CHARS + 1];
	size_t size; /* 0: no token */
	struct stat status; /* of the file `text` was read from */
};

struct auth_token *auth_token_new(const char *path)
{
	struct auth_token *token = calloc(1, sizeof(*token));

	if (!token)
		return NULL;
	token->path = strdup(path);
	if (!token->path) {
		free(token);
		return NULL;
	}
	return token;
}

static void forget(struct auth_token *token)
{
	explicit_bzero(token->text, sizeof(token->text));
	token->size = 0;
}

void auth_token_free(struct auth_token *token)
{
	if (!token)
		return;
	forget(token);
	free(token->path);
	free(token);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int parse_token(struct auth_token *token, const char *bytes, size_t size)
{
	while (size > 0 && is_space(bytes[size - 1]))
		size--;
	while (size > 0 && is_space(bytes[0])) {
		bytes++;
		size--;
	}
	if (size < AUTH_TOKEN_MIN_CHARS || size > AUTH_TOKEN_MAX_CHARS)
		return -EINVAL;
	for (size_t i = 0; i < size; i++)
		if (bytes[i] <= ' ' || bytes[i] > '~')
			return -EINVAL;
	memcpy(token->text, bytes, size);
	token->text[size] = '\0';
	token->size = size;
	return 0;
}

/* The change time too, so that a chmod is seen. */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads until the end or until `bytes` is full. Its size, or negative errno. */
static ssize_t read_all(int fd, char *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, bytes + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static int read_token(struct auth_token *token, int fd)
{
	char bytes[READ_BYTES];
	ssize_t size = read_all(fd, bytes, sizeof(bytes));
	int r;

	if (size < 0)
		return (int)size;
	r = size == READ_BYTES ? -EINVAL : parse_token(token, bytes, (size_t)size);
	explicit_bzero(bytes, sizeof(bytes));
	return r;
}

static int refresh(struct auth_token *token)
{
	struct stat status;
	/* Not blocking: somebody may have put a FIFO there. */
	CLEANUP_CLOSE int fd = open(token->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (status.st_mode & S_IWOTH)
		return -EPERM;
	if (token->size > 0 && is_same_file(&status, &token->status))
		return 0;
	token->status = status;
	return read_token(token, fd);
}

int auth_token_refresh(struct auth_token *token)
{
	int r = refresh(token);

	if (r < 0)
		forget(token);
	return r;
}

const char *auth_token_get(const struct auth_token *token)
{
	return token->size > 0 ? token->text : NULL;
}

uid_t auth_token_owner(const struct auth_token *token)
{
	return token->size > 0 ? token->status.st_uid : (uid_t)-1;
}

bool auth_token_matches(const struct auth_token *token, const char *candidate, size_t size)
{
	/* volatile: the compiler must not leave the loop at the first difference */
	volatile unsigned char difference = 0;

	if (token->size == 0 || size != token->size)
		return false;
	for (size_t i = 0; i < size; i++)
		difference |= (unsigned char)candidate[i] ^ (unsigned char)token->text[i];
	return difference == 0;
}

static int make_text(char text[static 2 * RANDOM_BYTES + 2])
{
	uint8_t bytes[RANDOM_BYTES];

	/* Up to 256 bytes come whole or not at all; getrandom(2). */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return errno > 0 ? -errno : -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]); /* cannot be cut */
	text[2 * RANDOM_BYTES] = '\n';
	text[2 * RANDOM_BYTES + 1] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

static int write_text(int fd)
{
	char text[2 * RANDOM_BYTES + 2];
	ssize_t n;
	int r = make_text(text);

	if (r < 0)
		return r;
	if (fchmod(fd, 0640) < 0)
		return -errno;
	n = write(fd, text, sizeof(text) - 1);
	explicit_bzero(text, sizeof(text));
	if (n < 0)
		return -errno;
	if (n != (ssize_t)sizeof(text) - 1)
		return -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

static int sync_folder_of(const char *path)
{
	CLEANUP_FREE char *copy = strdup(path);
	CLEANUP_CLOSE int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/*
 * link(2) rather than rename(2): it gives the finished file its name in one
 * step too, and fails where another process was faster. Then theirs counts.
 */
static int create(const char *path)
{
	CLEANUP_FREE char *temporary = NULL;
	CLEANUP_CLOSE int fd = -1;
	int r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL; /* undefined after a failure */
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_text(fd);
	if (r == 0 && link(temporary, path) < 0)
		r = -errno;
	(void)unlink(temporary); /* a left-over holds no valid token */
	return r < 0 ? r : sync_folder_of(path);
}

int auth_token_create(const char *path)
{
	struct auth_token *existing = auth_token_new(path);
	int r;

	if (!existing)
		return -ENOMEM;
	r = auth_token_refresh(existing);
	if (r == -ENOENT) {
		r = create(path);
		if (r == -EEXIST)
			r = auth_token_refresh(existing);
	}
	auth_token_free(existing);
	return r;
}
