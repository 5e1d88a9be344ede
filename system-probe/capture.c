/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup_root.h"
#include "cleanup.h"
#include "kernel_features.h"
#include "iterator.h"
#include "log.h"
#include "sysprobe.skel.h"

#define MAX_LINKS 24
#define MAX_CPUS 1024

struct capture {
	const struct probe_settings *settings;
	struct capture_sink sink;
	struct hook_choice choices[N_HOOKS];
	struct sysprobe_bpf *bpf; /* NULL: nothing loaded */
	struct bpf_link *links[MAX_LINKS];
	size_t n_links;
	struct bpf_link *tcp_dump, *udp_dump, *udp_expire; /* borrowed from `links` */
	struct ring_buffer *rings;
	int cgroup_error; /* of opening the cgroup root; 0: opened, or not needed */
	int n_cpus;
};

static const char *const overflow_names[SP_N_OVERFLOW_CAUSES] = {
	[SP_OVERFLOW_CLOSED_RING_FULL] = "closed_ring_full",
	[SP_OVERFLOW_UDP_TABLE_FULL] = "udp_table_full",
	[SP_OVERFLOW_UDP_EXPIRING] = "udp_expiring",
};

const char *capture_overflow_name(enum sp_overflow_cause cause)
{
	return overflow_names[cause];
}

static bool is_wanted(enum hook_id id, const struct probe_settings *settings)
{
	bool has_tcp = settings->collect_tcp_v4 || settings->collect_tcp_v6;
	bool has_udp = settings->collect_udp_v4 || settings->collect_udp_v6;

	switch (id) {
	case HOOK_TCP:
	case HOOK_TCP_ADOPT:
	case HOOK_ACCEPT:
		return has_tcp;
	case HOOK_UDP:
	case HOOK_UDP_ADOPT:
		return has_udp;
	default:
		return true;
	}
}

static const char *remedy_for(const struct capture *capture, const struct hook_choice *choice,
			      char *buffer, size_t size)
{
	if (capture->cgroup_error < 0 && choice->refused->needs_cgroup_root)
		return "mount cgroup v2 (mount -t cgroup2 none /sys/fs/cgroup/unified), or name "
		       "its root in sysprobe.cgroup_path";
	return kernel_features_remedy(choice->refused_error, buffer, size);
}

static void log_off(const struct capture *capture, const struct hook *hook,
		    const struct hook_choice *choice)
{
	char buffer[256];

	log_warn("a hook is off", "hook=%s without=%s program=%s error=%s remedy=%s", hook->name,
		 hook->without, choice->refused_program, strerror(-choice->refused_error),
		 remedy_for(capture, choice, buffer, sizeof(buffer)));
}

static void log_choice(const struct capture *capture, const struct hook *hook,
		       const struct hook_choice *choice)
{
	if (!choice->variant)
		log_off(capture, hook, choice);
	else if (choice->refused)
		log_info("hook chosen", "hook=%s variant=%s refused=%s error=%s lacks=%s", hook->name,
			 choice->variant->name, choice->refused->name,
			 strerror(-choice->refused_error), choice->variant->lacks);
	else
		log_info("hook chosen", "hook=%s variant=%s", hook->name, choice->variant->name);
}

/* A hook whose programs are all refused, although it may go on without any. */
static bool is_refused_whole(const struct hook_choice *choice)
{
	return choice->refused && (!choice->variant || !choice->variant->programs[0]);
}

/* A refusal whose remedy is that of every wanted hook, or NULL: one trouble, so one line. */
static const struct hook_choice *common_refusal(const struct capture *capture)
{
	const struct hook_choice *common = NULL;
	char first[256], other[256];
	const char *remedy = NULL;

	for (int i = 0; i < N_HOOKS; i++) {
		const struct hook_choice *choice = &capture->choices[i];

		if (!is_wanted(i, capture->settings))
			continue;
		if (!is_refused_whole(choice))
			return NULL;
		if (!common) {
			common = choice;
			remedy = remedy_for(capture, choice, first, sizeof(first));
		} else if (strcmp(remedy, remedy_for(capture, choice, other, sizeof(other))) != 0) {
			return NULL;
		}
	}
	return common;
}

static void log_choices(const struct capture *capture)
{
	const struct hook_choice *common = common_refusal(capture);
	char buffer[256];

	if (common) {
		log_error("no BPF program loads, so nothing is captured", "error=%s remedy=%s",
			  strerror(-common->refused_error),
			  remedy_for(capture, common, buffer, sizeof(buffer)));
		return;
	}
	for (int i = 0; i < N_HOOKS; i++)
		if (is_wanted(i, capture->settings))
			log_choice(capture, &hooks[i], &capture->choices[i]);
}

static void choose(struct capture *capture)
{
	enum tier max_tier = capture->settings->tier == TIER_SETTING_TRACEPOINT ? TIER_TRACEPOINT :
										  TIER_TRAMPOLINE;

	memset(capture->choices, 0, sizeof(capture->choices));
	for (int i = 0; i < N_HOOKS; i++)
		if (is_wanted(i, capture->settings))
			capture->choices[i] =
				hook_choose(&hooks[i], max_tier, kernel_features_try_program, NULL);
}

static void set_rodata(const struct capture *capture)
{
	const struct probe_settings *settings = capture->settings;

	capture->bpf->rodata->collect_tcp_v4 = settings->collect_tcp_v4;
	capture->bpf->rodata->collect_tcp_v6 = settings->collect_tcp_v6;
	capture->bpf->rodata->collect_udp_v4 = settings->collect_udp_v4;
	capture->bpf->rodata->collect_udp_v6 = settings->collect_udp_v6;
	capture->bpf->rodata->udp_idle_ns = settings->udp_idle_ns;
	capture->bpf->rodata->udp_stream_idle_ns = settings->udp_stream_idle_ns;
}

static size_t select_programs(const struct capture *capture)
{
	struct bpf_program *program;
	size_t n = 0;

	bpf_object__for_each_program(program, capture->bpf->obj)
		bpf_program__set_autoload(program, false);
	for (int i = 0; i < N_HOOKS; i++) {
		const struct hook_variant *variant = capture->choices[i].variant;

		for (const char *const *name = variant ? variant->programs : NULL; name && *name;
		     name++) {
			program = bpf_object__find_program_by_name(capture->bpf->obj, *name);
			bpf_program__set_autoload(program, true);
			n++;
		}
	}
	return n;
}

/* Number of programs loaded, or negative errno. */
static int load(struct capture *capture)
{
	size_t n;
	int r;

	capture->bpf = sysprobe_bpf__open();
	if (!capture->bpf)
		return -errno;
	set_rodata(capture);
	bpf_map__set_max_entries(capture->bpf->maps.udp_flows,
				 (__u32)capture->settings->max_udp_flows);
	n = select_programs(capture);
	r = n ? sysprobe_bpf__load(capture->bpf) : 0;
	if (r < 0 || n == 0) {
		sysprobe_bpf__destroy(capture->bpf);
		capture->bpf = NULL;
	}
	return r < 0 ? r : (int)n;
}

static struct bpf_link *attach_iterator(struct bpf_program *program, struct bpf_map *map)
{
	union bpf_iter_link_info info = { 0 };
	LIBBPF_OPTS(bpf_iter_attach_opts, options);

	if (map) {
		info.map.map_fd = (__u32)bpf_map__fd(map);
		options.link_info = &info;
		options.link_info_len = sizeof(info);
	}
	return bpf_program__attach_iter(program, &options);
}

static struct bpf_link *attach_cgroup(struct capture *capture, struct bpf_program *program)
{
	CLEANUP_CLOSE int fd = cgroup_root_open(capture->settings->cgroup_path);

	capture->cgroup_error = fd < 0 ? fd : 0;
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	return bpf_program__attach_cgroup(program, fd);
}

static struct bpf_link *attach_program(struct capture *capture, struct bpf_program *program)
{
	struct sysprobe_bpf *bpf = capture->bpf;

	if (program == bpf->progs.tcp_dump_iter)
		return capture->tcp_dump = attach_iterator(program, bpf->maps.tcp_sockets);
	if (program == bpf->progs.udp_dump_iter)
		return capture->udp_dump = attach_iterator(program, bpf->maps.udp_flows);
	if (program == bpf->progs.udp_expire_iter)
		return capture->udp_expire = attach_iterator(program, bpf->maps.udp_flows);
	if (program == bpf->progs.tcp_adopt_iter || program == bpf->progs.udp_adopt_iter)
		return attach_iterator(program, NULL);
	if (bpf_program__type(program) == BPF_PROG_TYPE_CGROUP_SKB ||
	    bpf_program__type(program) == BPF_PROG_TYPE_CGROUP_SOCK)
		return attach_cgroup(capture, program);
	return bpf_program__attach(program);
}

/* Run an iterator to its end for its side effects. */
static int run_iterator(const struct bpf_link *link)
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

static int attach_variant(struct capture *capture, const struct hook_variant *variant)
{
	for (const char *const *name = variant->programs; *name; name++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(capture->bpf->obj, *name);
		struct bpf_link *link = attach_program(capture, program);

		if (!link) {
			int error = errno ? -errno : -EINVAL;

			kernel_features_set_refused(*name, error);
			return error;
		}
		capture->links[capture->n_links++] = link;
	}
	return 0;
}

static int attach(struct capture *capture)
{
	for (int i = 0; i < N_HOOKS; i++) {
		int r = 0;

		if (capture->choices[i].variant)
			r = attach_variant(capture, capture->choices[i].variant);
		if (r < 0)
			return r;
		if (capture->choices[i].variant && (i == HOOK_TCP_ADOPT || i == HOOK_UDP_ADOPT)) {
			r = run_iterator(capture->links[capture->n_links - 1]);
			if (r < 0)
				log_warn("sockets older than the probe are not all known",
					 "hook=%s error=%s", hooks[i].name, strerror(-r));
		}
	}
	return 0;
}

static void unload(struct capture *capture)
{
	ring_buffer__free(capture->rings);
	capture->rings = NULL;
	while (capture->n_links > 0)
		(void)bpf_link__destroy(capture->links[--capture->n_links]); /* closes its fd */
	sysprobe_bpf__destroy(capture->bpf);
	capture->bpf = NULL;
	capture->tcp_dump = capture->udp_dump = capture->udp_expire = NULL;
}

/*
 * A program that loads may still not attach (cgroup v2 not mounted, no ftrace
 * trampoline); it then counts as refused and the choice is made again. Each
 * round refuses one program more, so this ends.
 */
static int load_and_attach(struct capture *capture)
{
	for (;;) {
		int r;

		choose(capture);
		r = load(capture);
		if (r <= 0)
			return r;
		if (attach(capture) == 0)
			return 0;
		unload(capture);
	}
}

static int on_closed(void *context, void *data, size_t size)
{
	struct capture *capture = context;

	(void)size; /* reserved by us: always a whole record */
	capture->sink.closed(data, capture->sink.context);
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
		r = load_and_attach(capture);
	if (settings->is_enabled)
		log_choices(capture);
	if (r == 0 && capture->bpf)
		r = open_rings(capture);
	if (r < 0) {
		log_error("cannot load the BPF programs", "error=%s", strerror(-r));
		unload(capture);
		memset(capture->choices, 0, sizeof(capture->choices));
	}
	/* Parsing the kernel's BTF took megabytes; give them back. */
	malloc_trim(0);
	return capture;
}

void capture_free(struct capture *capture)
{
	if (!capture)
		return;
	unload(capture);
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

int capture_ring_fd(const struct capture *capture)
{
	return capture->rings ? ring_buffer__epoll_fd(capture->rings) : -1;
}

int capture_drain(struct capture *capture)
{
	int r = capture->rings ? ring_buffer__consume(capture->rings) : 0;

	return r < 0 ? r : 0;
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

int capture_open_udp(const struct capture *capture)
{
	return open_iterator(capture->udp_dump);
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

struct udp_map_key {
	struct sp_tuple tuple;
	__u64 socket_cookie;
};

static void end_flow(struct capture *capture, const struct sp_expired_flow *expired)
{
	struct udp_map_key key = { expired->key_tuple, expired->key_socket_cookie };

	capture->sink.closed(&expired->connection, capture->sink.context);
	if (bpf_map_delete_elem(bpf_map__fd(capture->bpf->maps.udp_flows), &key) < 0)
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

static void add_sum(struct sp_overflow *sum, const struct sp_overflow *part)
{
	sum->counters.bytes_sent += part->counters.bytes_sent;
	sum->counters.bytes_received += part->counters.bytes_received;
	sum->counters.packets_sent += part->counters.packets_sent;
	sum->counters.packets_received += part->counters.packets_received;
	sum->connections += part->connections;
	sum->retransmits += part->retransmits;
}

void capture_get_overflow(const struct capture *capture,
			  struct sp_overflow ret_sums[SP_N_OVERFLOW_CAUSES])
{
	memset(ret_sums, 0, sizeof(*ret_sums) * SP_N_OVERFLOW_CAUSES);
	for (__u32 cause = 0; capture->bpf && cause < SP_N_OVERFLOW_CAUSES; cause++) {
		CLEANUP_FREE struct sp_overflow *parts = look_up_per_cpu(
			capture, capture->bpf->maps.overflow, cause, sizeof(*parts));

		for (int cpu = 0; parts && cpu < capture->n_cpus; cpu++)
			add_sum(&ret_sums[cause], &parts[cpu]);
	}
}

void capture_get_events(const struct capture *capture, uint64_t ret_counts[SP_N_EVENT_COUNTERS])
{
	memset(ret_counts, 0, sizeof(*ret_counts) * SP_N_EVENT_COUNTERS);
	for (__u32 which = 0; capture->bpf && which < SP_N_EVENT_COUNTERS; which++) {
		CLEANUP_FREE uint64_t *parts = look_up_per_cpu(capture, capture->bpf->maps.events,
							       which, sizeof(*parts));

		for (int cpu = 0; parts && cpu < capture->n_cpus; cpu++)
			ret_counts[which] += parts[cpu];
	}
}
