/* SPDX-License-Identifier: Apache-2.0 */
#include "line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES 65536

struct line_file {
	char *path; /* NULL: standard output */
	int fd;
	bool is_regular;
	size_t size;
	struct line_file_stats stats;
	char buffer[BUFFER_BYTES];
};

/* What was opened and cannot be used must not cut a file it does not own the end of. */
static bool is_regular(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static int open_path(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);

	return fd < 0 ? -errno : fd;
}

static int set_up(struct line_file *file, const char *path)
{
	file->fd = STDOUT_FILENO;
	if (strcmp(path, "-") != 0) {
		file->path = strdup(path);
		if (!file->path)
			return -ENOMEM;
		file->fd = open_path(path);
		if (file->fd < 0)
			return file->fd;
	}
	file->is_regular = is_regular(file->fd);
	return 0;
}

int line_file_open(const char *path, struct line_file **ret)
{
	struct line_file *file = calloc(1, sizeof(*file));
	int r = file ? set_up(file, path) : -ENOMEM;

	if (r < 0)
		line_file_free(file);
	else
		*ret = file;
	return r;
}

void line_file_free(struct line_file *file)
{
	if (!file)
		return;
	if (file->path && file->fd >= 0)
		(void)close(file->fd); /* what write() accepted is the kernel's */
	free(file->path);
	free(file);
}

int line_file_reopen(struct line_file *file)
{
	int fd;

	if (!file->path)
		return 0;
	fd = open_path(file->path);
	if (fd < 0)
		return fd;
	(void)close(file->fd); /* as above */
	file->fd = fd;
	file->is_regular = is_regular(fd);
	return 0;
}

static uint64_t count_lines(const char *bytes, size_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += bytes[i] == '\n';
	return n;
}

/* Whoever gave us a pipe may have made it non-blocking for itself. */
static int wait_writable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};

	return poll(&pollfd, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* `ret_n` counts what arrived, also on failure. */
static int write_all(int fd, const char *bytes, size_t size, size_t *ret_n)
{
	int r = 0;

	*ret_n = 0;
	while (*ret_n < size && r == 0) {
		ssize_t n = write(fd, bytes + *ret_n, size - *ret_n);

		if (n >= 0)
			*ret_n += (size_t)n;
		else if (errno == EAGAIN)
			r = wait_writable(fd);
		else if (errno != EINTR)
			r = -errno;
	}
	return r;
}

/* Bytes of whole lines within the first `size`. */
static size_t whole_lines(const char *bytes, size_t size)
{
	while (size > 0 && bytes[size - 1] != '\n')
		size--;
	return size;
}

/*
 * What was written last ends at the descriptor's offset, with O_APPEND or, as a shell's
 * `>` gives it, without. There the next line would begin at that offset, behind a hole,
 * so it goes back too. What others wrote behind it is theirs.
 */
static void cut_file(const struct line_file *file, size_t n_bytes)
{
	struct stat status;
	off_t end;

	if (n_bytes == 0 || !file->is_regular || fstat(file->fd, &status) < 0)
		return;
	end = lseek(file->fd, -(off_t)n_bytes, SEEK_CUR);
	/* When even this fails the next line is joined to the rest: nothing left to try. */
	if (end >= 0 && status.st_size == end + (off_t)n_bytes && ftruncate(file->fd, end) < 0)
		return;
}

int line_file_flush(struct line_file *file)
{
	size_t n, n_whole;
	int r;

	if (file->size == 0)
		return 0;
	r = write_all(file->fd, file->buffer, file->size, &n);
	n_whole = whole_lines(file->buffer, n);
	file->stats.n_written += count_lines(file->buffer, n_whole);
	if (r < 0) {
		cut_file(file, n - n_whole);
		file->stats.n_errors++;
		file->stats.n_dropped += count_lines(file->buffer + n_whole, file->size - n_whole);
	}
	file->size = 0;
	return r;
}

int line_file_add(struct line_file *file, const char *line, size_t size)
{
	int r = 0;

	if (size >= BUFFER_BYTES) {
		file->stats.n_dropped++;
		return -E2BIG;
	}
	if (size + 1 > BUFFER_BYTES - file->size)
		r = line_file_flush(file);
	memcpy(file->buffer + file->size, line, size);
	file->buffer[file->size + size] = '\n';
	file->size += size + 1;
	return r;
}

const struct line_file_stats *line_file_get_stats(const struct line_file *file)
{
	return &file->stats;
}
