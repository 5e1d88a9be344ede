/* SPDX-License-Identifier: Apache-2.0 */
#include "line_file.h"

#include "bounded_write.h"
#include "clock.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINE_BYTES 65536
#define BATCH_BYTES 65536 /* gathered before they are written */
#define NS_PER_MS UINT64_C(1000000)
/* What a reader is waited for once there is no room; it earns that again by reading 2 MB. */
#define MAX_PATIENCE_NS CLOCK_NS_PER_S
#define PATIENCE_NS_PER_BYTE 500

struct line_file {
	char *path; /* NULL: standard output */
	int fd;
	bool is_regular;
	bool is_ending;	 /* patience is not earned any more */
	bool is_waiting; /* not all went out when it was last tried */
	struct evbuffer *lines;
	size_t n_lines;
	size_t n_half; /* bytes that are out of a line that is not out as a whole */
	uint64_t patience_ns;
	struct line_file_stats stats;
};

/* What was opened and cannot be used must not cut a file it does not own the end of. */
static bool is_regular(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* O_NONBLOCK: the open of a FIFO would wait for its reader. The description is ours alone. */
static int open_path(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      0640);

	return fd < 0 ? -errno : fd;
}

static int set_up(struct line_file *file, const char *path)
{
	file->fd = STDOUT_FILENO;
	file->patience_ns = MAX_PATIENCE_NS;
	file->lines = evbuffer_new();
	if (!file->lines)
		return -ENOMEM;
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
	if (file->lines)
		evbuffer_free(file->lines);
	free(file->path);
	free(file);
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

/* Of a stream that failed nobody sees the end of a line that is partly out. */
static void drop_lines(struct line_file *file)
{
	cut_file(file, file->n_half);
	file->stats.n_dropped += file->n_lines;
	file->n_lines = 0;
	file->n_half = 0;
	(void)evbuffer_drain(file->lines, evbuffer_get_length(file->lines)); /* never frozen */
}

/* 1: a piece can be written. 0: not now. */
static int wait_writable(const struct line_file *file, bool may_wait)
{
	struct pollfd pollfd = {.fd = file->fd, .events = POLLOUT};
	int n = poll(&pollfd, 1, may_wait ? (int)(file->patience_ns / NS_PER_MS) : 0);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n > 0;
}

/*
 * A pipe takes PIPE_BUF bytes whole or not at all, so lines go whole as well: what is left
 * in a pipe when the agent ends has no half line, unless a line is longer than that.
 */
static size_t piece_size(const char *bytes, size_t size)
{
	const char *newline = memrchr(bytes, '\n', size);

	return newline ? (size_t)(newline - bytes) + 1 : size;
}

static void note_written(struct line_file *file, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		bool is_end = bytes[i] == '\n';

		file->n_half = is_end ? 0 : file->n_half + 1;
		file->n_lines -= is_end;
		file->stats.n_written += is_end;
	}
}

static void earn_patience(struct line_file *file, size_t n_bytes)
{
	uint64_t ns = file->patience_ns + n_bytes * PATIENCE_NS_PER_BYTE;

	if (!file->is_ending)
		file->patience_ns = ns < MAX_PATIENCE_NS ? ns : MAX_PATIENCE_NS;
}

static void spend_patience(struct line_file *file, uint64_t ns)
{
	file->patience_ns -= ns < file->patience_ns ? ns : file->patience_ns;
}

/* 1: it was taken. 0: no more now. */
static int write_piece(struct line_file *file)
{
	size_t size = evbuffer_get_length(file->lines);
	const char *bytes;
	ssize_t n;

	if (!file->is_regular && size > PIPE_BUF)
		size = PIPE_BUF;
	bytes = (const char *)evbuffer_pullup(file->lines, (ev_ssize_t)size);
	if (!bytes)
		return -ENOMEM;
	size = piece_size(bytes, size);
	n = file->is_regular ? write(file->fd, bytes, size) : bounded_write(file->fd, bytes, size);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	note_written(file, bytes, (size_t)n);
	earn_patience(file, (size_t)n);
	(void)evbuffer_drain(file->lines, (size_t)n); /* never frozen */
	return file->is_regular || (size_t)n == size; /* the next write says why a disk did not */
}

static int write_stream_piece(struct line_file *file, bool may_wait)
{
	uint64_t begin_ns = clock_monotonic_ns();
	int r = wait_writable(file, may_wait);

	if (r > 0)
		r = write_piece(file);
	spend_patience(file, clock_monotonic_ns() - begin_ns);
	return r == 0 && may_wait && file->patience_ns >= NS_PER_MS ? 1 : r;
}

/* Until no more than `max_left` bytes are left; when it is as few it waits for nobody. */
static int write_out(struct line_file *file, size_t max_left)
{
	size_t left;
	int r = 1;

	while (r > 0 && (left = evbuffer_get_length(file->lines)) > 0)
		r = file->is_regular ? write_piece(file)
				     : write_stream_piece(file, left > max_left);
	if (r < 0) {
		drop_lines(file);
		file->stats.n_errors++;
	}
	file->is_waiting = evbuffer_get_length(file->lines) > 0;
	return r < 0 ? r : 0;
}

int line_file_flush(struct line_file *file)
{
	return write_out(file, LINE_FILE_MAX_BYTES);
}

static int append(struct line_file *file, const char *line, size_t size)
{
	if (evbuffer_get_length(file->lines) + size + 1 > LINE_FILE_MAX_BYTES)
		return -EAGAIN;
	if (evbuffer_expand(file->lines, size + 1) < 0)
		return -ENOMEM;
	(void)evbuffer_add(file->lines, line, size); /* there is room for both */
	(void)evbuffer_add(file->lines, "\n", 1);
	file->n_lines++;
	return 0;
}

/* What waits already goes out when the reader takes more, while there is room for others. */
static bool is_write_due(const struct line_file *file, size_t size)
{
	size_t size_with_it = evbuffer_get_length(file->lines) + size + 1;

	if (size_with_it > LINE_FILE_MAX_BYTES)
		return file->patience_ns >= NS_PER_MS;
	return size_with_it > BATCH_BYTES && !file->is_waiting;
}

int line_file_add(struct line_file *file, const char *line, size_t size)
{
	int r = 0, r_append = -E2BIG;

	if (size < MAX_LINE_BYTES) {
		if (is_write_due(file, size))
			r = write_out(file, LINE_FILE_MAX_BYTES - size - 1);
		r_append = append(file, line, size);
	}
	file->stats.n_dropped += r_append < 0;
	return r < 0 ? r : r_append;
}

uint64_t line_file_end(struct line_file *file)
{
	uint64_t n_dropped = file->stats.n_dropped;

	file->is_ending = true;
	(void)write_out(file, 0); /* what is lost is counted */
	drop_lines(file);
	return file->stats.n_dropped - n_dropped;
}

static bool is_same(int fd, int other)
{
	struct stat one, two;

	return fstat(fd, &one) == 0 && fstat(other, &two) == 0 && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

int line_file_reopen(struct line_file *file)
{
	int fd;

	if (!file->path)
		return 0;
	fd = open_path(file->path);
	if (fd < 0)
		return fd;
	if (file->n_half > 0 && !is_same(fd, file->fd)) /* its beginning is in another */
		drop_lines(file);
	(void)close(file->fd); /* what write() accepted is the kernel's */
	file->fd = fd;
	file->is_regular = is_regular(fd);
	return 0;
}

bool line_file_is_waiting(const struct line_file *file)
{
	return file->is_waiting;
}

int line_file_fd(const struct line_file *file)
{
	return file->fd;
}

const struct line_file_stats *line_file_get_stats(const struct line_file *file)
{
	return &file->stats;
}
