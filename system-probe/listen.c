/* SPDX-License-Identifier: Apache-2.0 */
#include "listen.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"

#define BACKLOG 128
#define SOCKET_MODE 0660

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/*
 * Only a refusal says that nobody is there. A full backlog, a socket of another
 * type or one that we may not write to belongs to somebody.
 */
static bool is_stale(const struct sockaddr_un *address)
{
	CLEANUP_CLOSE int fd = new_socket();

	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;
}

static int remove_stale(const struct sockaddr_un *address)
{
	struct stat status;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	if (!is_stale(address))
		return -EADDRINUSE;
	log_info("replacing a socket that nobody answers on", "path=%s", address->sun_path);
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

/* The umask makes the socket private from its first moment; then it is opened. */
static int bind_and_listen(int fd, const struct sockaddr_un *address, gid_t group)
{
	mode_t old_mask = umask(0177);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	(void)umask(old_mask);
	if (r < 0)
		return r;
	if (group != (gid_t)-1 && chown(address->sun_path, (uid_t)-1, group) < 0)
		return -errno;
	if (chmod(address->sun_path, SOCKET_MODE) < 0)
		return -errno;
	return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static const char *remedy(int error)
{
	switch (error) {
	case -EADDRINUSE:
		return "a probe already runs there, or another program: stop it, or set another "
		       "sysprobe_socket";
	case -ENOTSOCK:
		return "the path is not a socket and will not be removed: move it away";
	case -ENOENT:
		return "its folder does not exist: create it, owned by root";
	case -ENAMETOOLONG:
		return "a Unix socket's path has at most 107 bytes";
	default:
		return "start the probe as root";
	}
}

static int try_listen(const char *path, gid_t group)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	r = remove_stale(&address);
	if (r < 0)
		return r;
	fd = new_socket();
	if (fd < 0)
		return fd;
	r = bind_and_listen(fd, &address, group);
	if (r < 0) {
		(void)close(fd); /* nobody could have connected */
		return r;
	}
	return fd;
}

int listen_unix(const char *path, gid_t group)
{
	int r = try_listen(path, group);

	if (r < 0)
		log_error("cannot listen", "path=%s error=%s remedy=%s", path, strerror(-r),
			  remedy(r));
	return r;
}
