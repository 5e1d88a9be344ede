/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <bpf/btf.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "capture_internal.h"
#include "choice_report.h"
#include "drop_reason.h"
#include "kernel_features.h"
#include "log.h"

static int map_live(struct capture *capture)
{
	void *memory = mmap(NULL, SP_MAX_LIVE * sizeof(struct sp_connection), PROT_READ, MAP_SHARED,
			    bpf_map__fd(capture->bpf->maps.tcp_live), 0);

	if (memory == MAP_FAILED)
		return -errno;
	capture->tcp_live = memory;
	return 0;
}

static int on_closed(void *context, void *data, size_t size)
{
	struct capture *capture = context;
	struct sp_connection connection;

	size = size < sizeof(connection) ? size : sizeof(connection);
	memcpy(&connection, data, size);
	memset((uint8_t *)&connection + size, 0, sizeof(connection) - size); /* of a short record */
	capture->sink.closed(&connection, capture->sink.context);
	return 0;
}

static int on_process(void *context, void *data, size_t size)
{
	struct capture *capture = context;

	(void)size;
	capture->sink.process(data, capture->sink.context);
	return 0;
}

static int open_rings(struct capture *capture)
{
	int closed_fd = bpf_map__fd(capture->bpf->maps.closed_ring);
	int process_fd = bpf_map__fd(capture->bpf->maps.process_ring);

	capture->rings = ring_buffer__new(closed_fd, on_closed, capture, NULL);
	if (!capture->rings)
		return -errno;
	return ring_buffer__add(capture->rings, process_fd, on_process, capture);
}

static void read_drop_reasons(void)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	int r = kernel ? drop_reason_read_names(kernel) : -errno;

	btf__free(kernel);
	if (r < 0)
		log_warn("reasons of drops have no names", "error=%s", strerror(-r));
}

/* Nothing is left to fall back to: the hooks that were to read so are off. */
static void refuse_netlink(struct capture *capture, int error)
{
	for (int i = 0; i < N_HOOKS; i++) {
		struct hook_choice *choice = &capture->choices[i];

		if (choice->variant && choice->variant->tier == TIER_NETLINK)
			*choice = (struct hook_choice){ NULL, choice->variant,
							choice->variant->name, error };
	}
	log_error("cannot read sockets by sock_diag", "error=%s remedy=%s", strerror(-error),
		  error == -ENOENT ? "load the module tcp_diag, or use a kernel with "
				     "CONFIG_INET_TCP_DIAG" :
				     "start the probe as root, or grant CAP_SYS_ADMIN");
}

static void start_netlink(struct capture *capture)
{
	const struct hook_choice *udp = &capture->choices[HOOK_UDP];
	const struct netlink_capture_sink sink = { capture->sink.closed, capture->sink.context };
	bool has_udp = udp->variant && udp->variant->tier == TIER_NETLINK;
	int error = 0;

	capture->netlink = netlink_capture_start(capture->settings, has_udp, &sink, &error);
	if (capture->netlink && capture->rings)
		error = netlink_capture_join_fd(capture->netlink,
						ring_buffer__epoll_fd(capture->rings));
	if (error < 0)
		refuse_netlink(capture, error);
}

static int start_bpf(struct capture *capture)
{
	int r = capture_load(capture);

	choice_report_log(capture->choices, capture->cgroup_error);
	if (r == 0 && capture->bpf)
		r = map_live(capture);
	if (r == 0 && capture->bpf)
		r = open_rings(capture);
	if (capture_has_programs(capture, HOOK_DROP))
		read_drop_reasons();
	return r;
}

static void stop_bpf(struct capture *capture)
{
	if (capture->tcp_live)
		(void)munmap((void *)capture->tcp_live,
			     SP_MAX_LIVE * sizeof(struct sp_connection)); /* mapped by us */
	capture->tcp_live = NULL;
	ring_buffer__free(capture->rings);
	capture->rings = NULL;
	capture_unload(capture);
}

struct capture *capture_start(const struct probe_settings *settings,
			      const struct capture_sink *sink)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int r = 0;

	if (!capture)
		return NULL;
	capture->settings = settings;
	capture->sink = *sink;
	capture->n_cpus = libbpf_num_possible_cpus();
	kernel_features_quieten_libbpf();
	if (settings->is_enabled)
		r = start_bpf(capture);
	if (r < 0) {
		log_error("cannot load the BPF programs", "error=%s", strerror(-r));
		stop_bpf(capture);
		memset(capture->choices, 0, sizeof(capture->choices));
	}
	if (hooks_need_netlink(capture->choices))
		start_netlink(capture);
	/* Parsing the kernel's BTF took megabytes; give them back. */
	malloc_trim(0);
	return capture;
}

void capture_free(struct capture *capture)
{
	if (!capture)
		return;
	stop_bpf(capture);
	netlink_capture_free(capture->netlink);
	free(capture);
}

enum tier capture_tier(const struct capture *capture)
{
	return hooks_tier(capture->choices);
}

const struct hook_choice *capture_choices(const struct capture *capture)
{
	return capture->choices;
}

uint64_t capture_capabilities(const struct capture *capture)
{
	return capture->netlink ? netlink_capture_capabilities() : 0;
}

int capture_ring_fd(const struct capture *capture)
{
	if (capture->netlink)
		return netlink_capture_fd(capture->netlink);
	return capture->rings ? ring_buffer__epoll_fd(capture->rings) : -1;
}
