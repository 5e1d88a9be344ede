/* SPDX-License-Identifier: Apache-2.0 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_internal.h"
#include "cleanup.h"
#include "iterator.h"
#include "log.h"
#include "overflow_sum.h"

#define MAX_CPUS 1024

static const char *const overflow_names[SP_N_OVERFLOW_CAUSES] = {
	[SP_OVERFLOW_CLOSED_RING_FULL] = "closed_ring_full",
	[SP_OVERFLOW_UDP_TABLE_FULL] = "udp_table_full",
	[SP_OVERFLOW_UDP_EXPIRING] = "udp_expiring",
	[SP_OVERFLOW_END_UNSEEN] = "end_unseen",
	[SP_OVERFLOW_DESTROY_LOST] = "destroy_lost",
	[SP_OVERFLOW_DESTROY_LATE] = "destroy_late",
	[SP_OVERFLOW_NETNS_FOUND_LATE] = "netns_found_late",
};

const char *capture_overflow_name(enum sp_overflow_cause cause)
{
	return overflow_names[cause];
}

int capture_drain(struct capture *capture)
{
	int r = capture->rings ? ring_buffer__consume(capture->rings) : 0;
	int netlink_error = capture->netlink ? netlink_capture_drain(capture->netlink) : 0;

	return r < 0 ? r : netlink_error;
}

static int open_iterator(const struct bpf_link *link)
{
	int fd;

	if (!link)
		return -ENOTSUP;
	fd = bpf_iter_create(bpf_link__fd(link));
	return fd < 0 ? -errno : fd;
}

int capture_open_tcp(const struct capture *capture)
{
	return open_iterator(capture->tcp_dump);
}

/* The program writes no output: what it found lies in the map, which is full at EAGAIN. */
int capture_read_tcp(struct capture *capture, int fd, const struct sp_connection **ret)
{
	__u32 *n = &capture->bpf->bss->tcp_n_live;
	ssize_t r;
	char none;

	*n = 0;
	do {
		r = read(fd, &none, sizeof(none));
	} while (r < 0 && (errno == EAGAIN || errno == EINTR) && *n == 0);
	if (r < 0 && errno != EAGAIN)
		return -errno;
	*ret = capture->tcp_live;
	return (int)*n;
}

int capture_open_udp(const struct capture *capture)
{
	return open_iterator(capture->udp_dump);
}

int capture_run_iterator(const struct bpf_link *link)
{
	CLEANUP_CLOSE int fd = bpf_iter_create(bpf_link__fd(link));
	struct iterator iterator;
	const void *records;
	int r;

	if (fd < 0)
		return -errno;
	iterator_init(&iterator, fd, 1);
	do {
		r = iterator_read(&iterator, &records);
	} while (r > 0);
	return r;
}

int capture_find_owners(struct capture *capture)
{
	return capture->tcp_adopt ? capture_run_iterator(capture->tcp_adopt) : 0;
}

/* Per-CPU values of one array element, or NULL. */
static void *look_up_per_cpu(const struct capture *capture, const struct bpf_map *map, __u32 key,
			     size_t value_size)
{
	void *values;

	if (!capture->bpf || capture->n_cpus <= 0 || capture->n_cpus > MAX_CPUS)
		return NULL;
	values = calloc((size_t)capture->n_cpus, value_size);
	if (values && bpf_map_lookup_elem(bpf_map__fd(map), &key, values) < 0) {
		free(values);
		return NULL;
	}
	return values;
}

int capture_check(const struct capture *capture)
{
	CLEANUP_CLOSE int tcp_fd = capture_open_tcp(capture);
	CLEANUP_CLOSE int udp_fd = capture_open_udp(capture);
	CLEANUP_FREE uint64_t *parts = NULL;

	if (!capture->bpf)
		return 0;
	if ((tcp_fd < 0 && tcp_fd != -ENOTSUP) || (udp_fd < 0 && udp_fd != -ENOTSUP))
		return -EPERM;
	parts = look_up_per_cpu(capture, capture->bpf->maps.events, 0, sizeof(*parts));
	return parts ? 0 : -EPERM;
}

static void end_flow(struct capture *capture, const struct sp_expired_flow *expired)
{
	capture->sink.closed(&expired->connection, capture->sink.context);
	if (bpf_map_delete_elem(bpf_map__fd(capture->bpf->maps.udp_flows), &expired->key) < 0)
		log_warn("cannot delete an ended UDP flow", "error=%s", strerror(errno));
}

int capture_expire_udp(struct capture *capture)
{
	CLEANUP_CLOSE int fd = open_iterator(capture->udp_expire);
	struct iterator iterator;
	const void *records;
	int r, n_flows = 0;

	if (fd < 0)
		return fd == -ENOTSUP ? 0 : fd;
	iterator_init(&iterator, fd, sizeof(struct sp_expired_flow));
	while ((r = iterator_read(&iterator, &records)) > 0) {
		for (int i = 0; i < r; i++)
			end_flow(capture, (const struct sp_expired_flow *)records + i);
		n_flows += r;
	}
	return r < 0 ? r : n_flows;
}

void capture_get_overflow(const struct capture *capture,
			  struct sp_overflow ret_sums[SP_N_OVERFLOW_CAUSES])
{
	memset(ret_sums, 0, sizeof(*ret_sums) * SP_N_OVERFLOW_CAUSES);
	for (__u32 cause = 0; capture->bpf && cause < SP_N_OVERFLOW_CAUSES; cause++) {
		CLEANUP_FREE struct sp_overflow *parts = look_up_per_cpu(
			capture, capture->bpf->maps.overflow, cause, sizeof(*parts));

		for (int cpu = 0; parts && cpu < capture->n_cpus; cpu++)
			overflow_sum_add(&ret_sums[cause], &parts[cpu]);
	}
	ret_sums[SP_OVERFLOW_END_UNSEEN].connections += capture->unseen_ends.n_told;
	if (capture->netlink)
		netlink_capture_add_overflow(capture->netlink, ret_sums);
}

static uint64_t count_of(const struct capture *capture, __u32 which)
{
	CLEANUP_FREE uint64_t *parts = look_up_per_cpu(capture, capture->bpf->maps.events, which,
						       sizeof(*parts));
	uint64_t sum = 0;

	for (int cpu = 0; parts && cpu < capture->n_cpus; cpu++)
		sum += parts[cpu];
	return sum;
}

struct tcp_tally capture_tally_tcp(const struct capture *capture)
{
	return (struct tcp_tally){ .n_begun = count_of(capture, SP_EVENT_TCP_BEGUN),
				   .n_ended = count_of(capture, SP_EVENT_TCP_ENDED),
				   .n_freed = count_of(capture, SP_EVENT_TCP_FREED) };
}

void capture_get_events(const struct capture *capture, uint64_t ret_counts[SP_N_EVENT_COUNTERS])
{
	memset(ret_counts, 0, sizeof(*ret_counts) * SP_N_EVENT_COUNTERS);
	for (__u32 which = 0; capture->bpf && which < SP_N_EVENT_COUNTERS; which++)
		ret_counts[which] = count_of(capture, which);
	if (capture->netlink)
		netlink_capture_add_events(capture->netlink, ret_counts);
}
