/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One round: look for namespaces, dump each, look who holds what nobody is known of,
 * give up what vanished. Between rounds the ends of sockets are taken as they come.
 */

#include "netlink/netlink_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <poll.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "netlink/diag_query.h"
#include "netlink/diag_tracker.h"
#include "netlink/netns_set.h"
#include "netlink/socket_owner.h"
#include "overflow_sum.h"
#include "settings.h"

#define MAX_NAMESPACES 1024
#define DESCRIPTORS_PER_NAMESPACE 2
#define DESCRIPTORS_BESIDE 256
#define MAX_LISTENING_PORTS 65536
#define ENDS_BUFFER_BYTES (8 * 1024 * 1024) /* the kernel doubles it: some 30,000 ends */
#define SCAN_INTERVAL_S 1
#define ROUND_INTERVAL_NS 5000000000ULL
#define EVENTS_PER_WAIT 64
#define MAX_WAITS 32
#define N_MOUNT_TABLES 2 /* our own and the host's */
#define WALK_SHARE 20 /* walks over open files take at most this part of the time */

struct netlink_capture {
	const struct probe_settings *settings;
	struct netlink_capture_sink sink;
	struct netns_set *namespaces;
	struct diag_tracker *tracker;
	struct socket_owner_walk walk;
	int epoll_fd;
	int timer_fd;
	/*
	 * A change shows to the first who polls a file: one is for the event loop, which
	 * wakes up, the other for us. -1: cannot be read.
	 */
	int mounts_wake_fd[N_MOUNT_TABLES];
	struct pollfd mounts[N_MOUNT_TABLES];
	bool has_udp;
	uint64_t round_ns; /* when the last one was */
	uint64_t next_walk_ns;
	uint64_t n_overruns;
	uint64_t n_dump_errors;
};

/* What a callback of a dump or of notifications needs to know. */
struct taker {
	struct netlink_capture *capture;
	struct netns *netns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void on_closed(const struct sp_connection *connection, void *context)
{
	struct netlink_capture *capture = context;

	capture->sink.closed(connection, capture->sink.context);
}

static int has_time_wait(struct netns *netns, const struct diag_socket *gone, void *context)
{
	(void)context;
	return diag_query_has_time_wait(netns->query, gone);
}

static int has_listener(struct netns *netns, const struct diag_socket *gone, void *context)
{
	(void)context;
	return diag_query_has_listener(netns->query, gone);
}

static bool is_collected(const struct netlink_capture *capture, const struct diag_socket *socket)
{
	return socket->family == AF_INET ? capture->settings->collect_tcp_v4 :
					   capture->settings->collect_tcp_v6;
}

static void on_dumped(const struct diag_socket *socket, void *context)
{
	const struct taker *taker = context;

	diag_tracker_see(taker->capture->tracker, taker->netns, socket);
}

static void on_end(const struct diag_socket *socket, void *context)
{
	const struct taker *taker = context;

	if (is_collected(taker->capture, socket))
		diag_tracker_take_end(taker->capture->tracker, taker->netns, socket, now_ns());
}

static void take_ends(struct netlink_capture *capture, struct netns *netns)
{
	struct taker taker = { capture, netns };
	uint64_t n_overruns = 0, n_lost;
	int r;

	while ((r = diag_query_read_ends(netns->ends, on_end, &taker)) == -ENOBUFS)
		n_overruns++;
	if (r < 0)
		capture->n_dump_errors++;
	if (n_overruns == 0)
		return;
	/* Now: after the error more are lost until the queue is empty. One each at the least. */
	n_lost = diag_query_n_lost(netns->ends);
	diag_tracker_take_lost(netns, n_lost ? n_lost : netns->n_lost_seen + n_overruns, now_ns());
	capture->n_overruns += n_overruns;
}

/* The timer, a joined descriptor and the mount tables have no namespace. 0 or negative errno. */
static int take_ready_ends(struct netlink_capture *capture)
{
	struct epoll_event events[EVENTS_PER_WAIT];
	int n = EVENTS_PER_WAIT;

	for (int i = 0; n == EVENTS_PER_WAIT && i < MAX_WAITS; i++) {
		n = epoll_wait(capture->epoll_fd, events, EVENTS_PER_WAIT, 0);
		for (int j = 0; j < n; j++)
			if (events[j].data.ptr)
				take_ends(capture, events[j].data.ptr);
	}
	return n < 0 && errno != EINTR ? -errno : 0;
}

/* A kernel may have tcp_diag without udp_diag, or no IPv6. */
static bool is_dispensable(enum diag_dump what, uint8_t family)
{
	return what == DIAG_DUMP_UDP_CONNECTED || family == AF_INET6;
}

static int dump_netns(struct netlink_capture *capture, struct netns *netns)
{
	const struct probe_settings *settings = capture->settings;
	const struct {
		bool is_wanted;
		enum diag_dump what;
		uint8_t family;
	} dumps[] = {
		{ settings->collect_tcp_v4, DIAG_DUMP_TCP_LISTENERS, AF_INET },
		{ settings->collect_tcp_v6, DIAG_DUMP_TCP_LISTENERS, AF_INET6 },
		{ settings->collect_tcp_v4, DIAG_DUMP_TCP, AF_INET },
		{ settings->collect_tcp_v6, DIAG_DUMP_TCP, AF_INET6 },
		{ settings->collect_udp_v4 && capture->has_udp, DIAG_DUMP_UDP_CONNECTED, AF_INET },
		{ settings->collect_udp_v6 && capture->has_udp, DIAG_DUMP_UDP_CONNECTED, AF_INET6 },
	};
	struct taker taker = { capture, netns };
	int r, first_error = 0;

	netns->n_sockets = 0;
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		if (!dumps[i].is_wanted)
			continue;
		r = diag_query_dump(netns->query, dumps[i].what, dumps[i].family, on_dumped, &taker);
		if (r == -ENOENT && is_dispensable(dumps[i].what, dumps[i].family))
			continue;
		if (r < 0)
			capture->n_dump_errors++;
		first_error = first_error ? first_error : r;
	}
	return first_error;
}

static void on_owner(void *value, const struct sp_owner *owner, void *context)
{
	struct netlink_capture *capture = context;

	diag_tracker_set_owner(capture->tracker, value, owner);
}

static int find_owners(struct netlink_capture *capture)
{
	struct inode_table sought = { 0 };
	bool is_whole = false;
	uint64_t start_ns = now_ns();
	int r;

	if (start_ns < capture->next_walk_ns)
		return 0;
	r = diag_tracker_seek_owners(capture->tracker, &sought);
	if (r == 0 && sought.n_rows > 0)
		r = socket_owner_walk(&capture->walk, &sought, on_owner, capture, &is_whole);
	capture->next_walk_ns = start_ns + (now_ns() - start_ns) * WALK_SHARE;
	diag_tracker_end_walk(capture->tracker, &sought, is_whole);
	inode_table_deinit(&sought);
	return r;
}

static int watch(struct netlink_capture *capture, struct netns *netns)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = netns };
	int fd = mnl_socket_get_fd(netns->ends);

	if (epoll_ctl(capture->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* `*ret_has_new`: there are some that were never dumped. */
static int rescan(struct netlink_capture *capture, bool *ret_has_new)
{
	struct netns *netns;
	size_t cursor = 0;
	int r = netns_set_rescan(capture->namespaces);

	*ret_has_new = false;
	while ((netns = netns_set_next(capture->namespaces, &cursor))) {
		if (netns->is_dumped)
			continue;
		*ret_has_new = true;
		if (watch(capture, netns) < 0)
			capture->n_dump_errors++;
	}
	return r;
}

/* Only our own sockets keep it alive. */
static void let_go(struct netlink_capture *capture, struct netns *netns)
{
	take_ends(capture, netns);
	diag_tracker_forget(capture->tracker, netns);
	netns_set_remove(capture->namespaces, netns);
}

static void settle(struct netlink_capture *capture)
{
	struct netns *netns;
	size_t cursor = 0;

	while ((netns = netns_set_next(capture->namespaces, &cursor))) {
		if (!netns->is_dumped)
			diag_tracker_count_missed(capture->tracker, netns);
		netns->is_dumped = true;
		diag_tracker_settle_lost(capture->tracker, netns, capture->round_ns);
		if (netns->is_held || netns->n_sockets > 0)
			continue;
		let_go(capture, netns);
		cursor--; /* another has its place */
	}
}

/* What fails in one namespace must not hide the others: it is counted. 0 or -errno of ours. */
static int run_round(struct netlink_capture *capture)
{
	struct netns *netns;
	size_t cursor = 0;
	int r, own_error = 0;

	capture->round_ns = now_ns();
	diag_tracker_begin(capture->tracker, capture->round_ns);
	while ((netns = netns_set_next(capture->namespaces, &cursor))) {
		r = dump_netns(capture, netns);
		own_error = netns->number == 1 ? r : own_error;
	}
	if (find_owners(capture) < 0)
		capture->n_dump_errors++;
	if (take_ready_ends(capture) < 0)
		capture->n_dump_errors++;
	diag_tracker_end(capture->tracker);
	settle(capture);
	return own_error;
}

/* Without a list of processes there are still the mounts, and our own namespace. */
static int look_around(struct netlink_capture *capture, bool is_round_due)
{
	bool has_new;

	if (rescan(capture, &has_new) < 0)
		capture->n_dump_errors++;
	return has_new || is_round_due ? run_round(capture) : 0;
}

int netlink_capture_refresh(struct netlink_capture *capture)
{
	return look_around(capture, true);
}

static bool has_ticked(struct netlink_capture *capture)
{
	uint64_t n_ticks; /* a late tick is as good as two */

	return read(capture->timer_fd, &n_ticks, sizeof(n_ticks)) > 0;
}

int netlink_capture_drain(struct netlink_capture *capture)
{
	int ends_error = take_ready_ends(capture);
	bool is_due = has_ticked(capture);
	int r = 0;

	is_due |= poll(capture->mounts, N_MOUNT_TABLES, 0) > 0;
	if (is_due)
		r = look_around(capture, now_ns() - capture->round_ns >= ROUND_INTERVAL_NS);
	return ends_error < 0 ? ends_error : r;
}

static void raise_descriptor_limit(void)
{
	const rlim_t wanted = MAX_NAMESPACES * DESCRIPTORS_PER_NAMESPACE + DESCRIPTORS_BESIDE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* else namespaces beyond it are counted */
}

static int start_timer(struct netlink_capture *capture)
{
	const struct itimerspec every = { { SCAN_INTERVAL_S, 0 }, { SCAN_INTERVAL_S, 0 } };

	capture->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (capture->timer_fd < 0 || timerfd_settime(capture->timer_fd, 0, &every, NULL) < 0)
		return -errno;
	return netlink_capture_join_fd(capture, capture->timer_fd);
}

/* Who makes a namespace to stay mounts it (ip netns, container runtimes): seen at once. */
static void watch_mounts(struct netlink_capture *capture)
{
	struct epoll_event event = { .events = EPOLLPRI };
	char host_table[PATH_MAX];
	const char *const paths[N_MOUNT_TABLES] = { "/proc/self/mountinfo", host_table };

	snprintf(host_table, sizeof(host_table), "%s/1/mountinfo", capture->settings->procfs_path);
	for (int i = 0; i < N_MOUNT_TABLES; i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		capture->mounts_wake_fd[i] = fd;
		capture->mounts[i].fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		if (fd >= 0) /* else the timer finds them a little later */
			(void)epoll_ctl(capture->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

static int start(struct netlink_capture *capture)
{
	struct diag_tracker_config config = {
		.max_sockets = (size_t)capture->settings->max_udp_flows,
		.max_listening_ports = MAX_LISTENING_PORTS,
		.collect_failed = capture->settings->collect_tcp_failed,
		.closed = on_closed,
		.has_time_wait = has_time_wait,
		.has_listener = has_listener,
		.context = capture,
	};

	raise_descriptor_limit();
	capture->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (capture->epoll_fd < 0)
		return -errno;
	watch_mounts(capture);
	capture->namespaces = netns_set_new(capture->settings->procfs_path, MAX_NAMESPACES,
					    ENDS_BUFFER_BYTES);
	if (!capture->namespaces)
		return -errno;
	config.has_global_cookies = netns_set_has_global_cookies(capture->namespaces);
	capture->tracker = diag_tracker_new(&config);
	if (!capture->tracker)
		return -ENOMEM;
	return start_timer(capture);
}

struct netlink_capture *netlink_capture_start(const struct probe_settings *settings, bool has_udp,
					      const struct netlink_capture_sink *sink,
					      int *ret_error)
{
	struct netlink_capture *capture = calloc(1, sizeof(*capture));
	int r;

	if (!capture) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	capture->settings = settings;
	capture->has_udp = has_udp;
	capture->sink = *sink;
	capture->walk.procfs_path = settings->procfs_path;
	capture->epoll_fd = capture->timer_fd = -1;
	for (int i = 0; i < N_MOUNT_TABLES; i++)
		capture->mounts_wake_fd[i] = capture->mounts[i].fd = -1;
	r = start(capture);
	if (r == 0)
		r = netlink_capture_refresh(capture);
	capture->next_walk_ns = 0; /* the first one was for all the others */
	if (r < 0) {
		*ret_error = r;
		netlink_capture_free(capture);
		return NULL;
	}
	return capture;
}

void netlink_capture_free(struct netlink_capture *capture)
{
	if (!capture)
		return;
	netns_set_free(capture->namespaces);
	diag_tracker_free(capture->tracker);
	if (capture->timer_fd >= 0)
		(void)close(capture->timer_fd); /* nothing to write back */
	for (int i = 0; i < N_MOUNT_TABLES; i++) {
		if (capture->mounts_wake_fd[i] >= 0)
			(void)close(capture->mounts_wake_fd[i]);
		if (capture->mounts[i].fd >= 0)
			(void)close(capture->mounts[i].fd);
	}
	if (capture->epoll_fd >= 0)
		(void)close(capture->epoll_fd);
	free(capture);
}

int netlink_capture_fd(const struct netlink_capture *capture)
{
	return capture->epoll_fd;
}

int netlink_capture_join_fd(struct netlink_capture *capture, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(capture->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

const struct sp_connection *netlink_capture_next(const struct netlink_capture *capture,
						 size_t *cursor)
{
	return diag_tracker_next(capture->tracker, cursor);
}

/* To enter namespaces; to see what others hold; for a receive buffer above rmem_max. */
uint64_t netlink_capture_capabilities(void)
{
	return 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_SYS_PTRACE | 1ULL << CAP_DAC_READ_SEARCH |
	       1ULL << CAP_NET_ADMIN;
}

void netlink_capture_add_overflow(const struct netlink_capture *capture,
				  struct sp_overflow sums[SP_N_OVERFLOW_CAUSES])
{
	const struct diag_tracker_stats *stats = diag_tracker_get_stats(capture->tracker);

	overflow_sum_add(&sums[SP_OVERFLOW_DESTROY_LOST], &stats->lost);
	overflow_sum_add(&sums[SP_OVERFLOW_DESTROY_LATE], &stats->late);
	overflow_sum_add(&sums[SP_OVERFLOW_NETNS_FOUND_LATE], &stats->missed);
}

void netlink_capture_add_events(const struct netlink_capture *capture,
				uint64_t counts[SP_N_EVENT_COUNTERS])
{
	const struct diag_tracker_stats *stats = diag_tracker_get_stats(capture->tracker);
	const struct netns_set_stats *namespaces = netns_set_get_stats(capture->namespaces);

	counts[SP_EVENT_TCP_FAILED_LEFT_OUT] += stats->n_failed_left_out;
	counts[SP_EVENT_SOCKETS_NOT_KEPT] += stats->n_not_kept;
	counts[SP_EVENT_DESTROY_OVERRUNS] += capture->n_overruns;
	counts[SP_EVENT_NETNS_NOT_WATCHED] += namespaces->n_not_watched;
	counts[SP_EVENT_DIAG_ERRORS] += capture->n_dump_errors;
}
