/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/netns_set.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "netlink/diag_query.h"
#include "netlink/netns_scan.h"

#define OWN_NETNS "/proc/self/ns/net"
#define OWN_SNMP "/proc/thread-self/net/snmp"
#define SNMP_MAX_BYTES 8192

struct netns_set {
	const char *procfs_path;
	int own_fd; /* where the probe was started, and where it returns to */
	uint32_t own_inode;
	int buffer_bytes;
	uint32_t last_number;
	struct netns **all;
	size_t n, max;
	bool is_started; /* the first scan is over */
	struct netns_set_stats stats;
};

struct netns_set *netns_set_new(const char *procfs_path, size_t max_namespaces, int buffer_bytes)
{
	struct netns_set *set = calloc(1, sizeof(*set));
	struct stat status;

	if (!set)
		return NULL;
	set->procfs_path = procfs_path;
	set->buffer_bytes = buffer_bytes;
	set->max = max_namespaces;
	set->all = calloc(max_namespaces, sizeof(struct netns *));
	set->own_fd = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	if (!set->all || set->own_fd < 0 || fstat(set->own_fd, &status) < 0) {
		netns_set_free(set);
		return NULL;
	}
	set->own_inode = (uint32_t)status.st_ino;
	return set;
}

static void close_netns(struct netns *netns)
{
	if (netns->query)
		(void)mnl_socket_close(netns->query); /* nothing is under way */
	if (netns->ends)
		(void)mnl_socket_close(netns->ends);
	free(netns);
}

void netns_set_free(struct netns_set *set)
{
	if (!set)
		return;
	while (set->n > 0)
		close_netns(set->all[--set->n]);
	free(set->all);
	if (set->own_fd >= 0)
		(void)close(set->own_fd); /* read only */
	free(set);
}

static uint64_t read_opens(void)
{
	CLEANUP_CLOSE int fd = open(OWN_SNMP, O_RDONLY | O_CLOEXEC);
	char text[SNMP_MAX_BYTES];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	uint64_t opens = 0;

	if (n < 0)
		return 0;
	text[n] = '\0';
	(void)netns_scan_parse_opens(text, &opens); /* stays 0: nothing is counted as missed */
	return opens;
}

/* The ends first: what ends after that is announced. */
static int open_sockets(const struct netns_set *set, struct netns *netns)
{
	netns->ends = diag_query_open_ends(set->buffer_bytes);
	netns->query = netns->ends ? diag_query_open() : NULL;
	if (!netns->query)
		return -errno;
	netns->n_opens = read_opens();
	return 0;
}

/* The probe has one thread, so no other work is done in a wrong namespace. */
static int open_inside(const struct netns_set *set, struct netns *netns, int fd)
{
	int r;

	if (netns->inode == set->own_inode)
		return open_sockets(set, netns);
	if (setns(fd, CLONE_NEWNET) < 0)
		return -errno;
	r = open_sockets(set, netns);
	if (setns(set->own_fd, CLONE_NEWNET) < 0) {
		log_error("cannot return to the probe's network namespace", "error=%s",
			  strerror(errno));
		return -errno;
	}
	return r;
}

static struct netns *find(const struct netns_set *set, uint32_t inode)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->all[i]->inode == inode)
			return set->all[i];
	return NULL;
}

/* Between the scan and the open the path may have come to mean another one. */
static bool is_inode(int fd, uint32_t inode)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_ino == inode;
}

static int add(struct netns_set *set, uint32_t inode, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct netns *netns;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* the process has ended */
	if (!is_inode(fd, inode))
		return 0;
	if (set->n >= set->max)
		return -ENOSPC;
	netns = calloc(1, sizeof(*netns));
	if (!netns)
		return -ENOMEM;
	netns->inode = inode;
	netns->number = ++set->last_number;
	netns->is_held = true;
	netns->is_found_late = set->is_started;
	r = open_inside(set, netns, fd);
	if (r < 0) {
		close_netns(netns);
		return r;
	}
	set->all[set->n++] = netns;
	log_debug("watching a network namespace", "netns=%u path=%s", inode, path);
	return 0;
}

static void on_found(uint32_t inode, const char *path, void *context)
{
	struct netns_set *set = context;
	struct netns *netns = find(set, inode);
	int r;

	if (netns) {
		netns->is_held = true;
		return;
	}
	r = add(set, inode, path);
	if (r == 0)
		return;
	set->stats.n_not_watched++;
	if (set->stats.n_not_watched == 1) /* one trouble, one line */
		log_warn("cannot watch a network namespace", "netns=%u path=%s error=%s remedy=%s",
			 inode, path, strerror(-r),
			 r == -EPERM ? "start the probe as root, or grant it CAP_SYS_ADMIN and CAP_SYS_PTRACE" :
			 r == -EMFILE ? "raise LimitNOFILE: two descriptors for each" :
					"see the counter namespaces_not_watched");
}

int netns_set_rescan(struct netns_set *set)
{
	int r;

	for (size_t i = 0; i < set->n; i++)
		set->all[i]->is_held = false;
	on_found(set->own_inode, OWN_NETNS, set);
	r = netns_scan(set->procfs_path, on_found, set);
	set->is_started = true;
	set->stats.n_namespaces = set->n;
	return r;
}

struct netns *netns_set_next(const struct netns_set *set, size_t *cursor)
{
	return *cursor < set->n ? set->all[(*cursor)++] : NULL;
}

void netns_set_remove(struct netns_set *set, struct netns *netns)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->all[i] == netns)
			set->all[i] = set->all[--set->n];
	set->stats.n_namespaces = set->n;
	log_debug("a network namespace is gone", "netns=%u", netns->inode);
	close_netns(netns);
}

/* Of the first socket in a namespace of its own: 0 where the kernel does not tell (before 4.12). */
static uint64_t first_cookie(void)
{
	CLEANUP_CLOSE int fd = -1;
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (unshare(CLONE_NEWNET) == 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) < 0)
		return 0;
	return cookie;
}

bool netns_set_has_global_cookies(const struct netns_set *set)
{
	uint64_t one = first_cookie(), other = first_cookie();

	if (setns(set->own_fd, CLONE_NEWNET) < 0 && errno != EPERM)
		log_error("cannot return to the probe's network namespace", "error=%s",
			  strerror(errno));
	return one != other;
}

const struct netns_set_stats *netns_set_get_stats(const struct netns_set *set)
{
	return &set->stats;
}
