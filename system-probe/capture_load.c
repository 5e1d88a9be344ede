/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which programs run: those that the settings want and this kernel takes, of each hook the
 * best variant.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "capture_internal.h"
#include "cgroup_root.h"
#include "cleanup.h"
#include "kernel_features.h"
#include "log.h"

static bool is_wanted(enum hook_id id, const struct probe_settings *settings)
{
	bool has_tcp = settings->collect_tcp_v4 || settings->collect_tcp_v6;
	bool has_udp = settings->collect_udp_v4 || settings->collect_udp_v6;

	switch (id) {
	case HOOK_TCP:
	case HOOK_TCP_ADOPT:
	case HOOK_ACCEPT:
	case HOOK_RETRANSMIT:
	case HOOK_RESET:
		return has_tcp;
	case HOOK_CONNECT_ERROR:
		return has_tcp && settings->collect_tcp_failed;
	case HOOK_DROP:
		return has_tcp && settings->collect_drops;
	case HOOK_UDP:
	case HOOK_UDP_ADOPT:
		return has_udp;
	default:
		return true;
	}
}

static enum tier max_tier(const struct probe_settings *settings)
{
	switch (settings->tier) {
	case TIER_SETTING_NETLINK:
		return TIER_NETLINK;
	case TIER_SETTING_TRACEPOINT:
		return TIER_TRACEPOINT;
	default:
		return TIER_TRAMPOLINE;
	}
}

static void list_wanted(const struct capture *capture, bool ret[N_HOOKS])
{
	for (int i = 0; i < N_HOOKS; i++)
		ret[i] = is_wanted(i, capture->settings);
}

static void choose(struct capture *capture)
{
	bool wanted[N_HOOKS];

	list_wanted(capture, wanted);
	hooks_choose(capture->choices, wanted, max_tier(capture->settings),
		     kernel_features_try_program, NULL);
}

bool capture_has_programs(const struct capture *capture, enum hook_id id)
{
	const struct hook_variant *variant = capture->choices[id].variant;

	return variant && variant->programs[0];
}

static void set_rodata(const struct capture *capture)
{
	const struct probe_settings *settings = capture->settings;

	capture->bpf->rodata->collect_tcp_v4 = settings->collect_tcp_v4;
	capture->bpf->rodata->collect_tcp_v6 = settings->collect_tcp_v6;
	capture->bpf->rodata->collect_udp_v4 = settings->collect_udp_v4;
	capture->bpf->rodata->collect_udp_v6 = settings->collect_udp_v6;
	capture->bpf->rodata->collect_tcp_failed = settings->collect_tcp_failed;
	capture->bpf->rodata->collect_drops = capture_has_programs(capture, HOOK_DROP);
	capture->bpf->rodata->has_accept_hook = capture_has_programs(capture, HOOK_ACCEPT);
	capture->bpf->rodata->has_retransmit_hook = capture_has_programs(capture, HOOK_RETRANSMIT);
	capture->bpf->rodata->has_reset_hook = capture_has_programs(capture, HOOK_RESET);
	capture->bpf->rodata->collect_environment = settings->collect_environment;
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

/*
 * To try each program alone is most of the time that a start takes. Where one of the usual
 * ones does not load after all, that is how it is found.
 */
static int choose_and_load(struct capture *capture)
{
	const char *programs[HOOKS_MAX_PROGRAMS];
	bool wanted[N_HOOKS];
	int r;

	list_wanted(capture, wanted);
	kernel_features_assume(programs, hooks_usual_programs(wanted, programs));
	choose(capture);
	r = load(capture);
	if (r >= 0)
		return r;
	log_debug("not all usual programs load: each is tried", "error=%s", strerror(-r));
	kernel_features_drop_assumed();
	choose(capture);
	return load(capture);
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
	if (program == bpf->progs.tcp_adopt_iter)
		return capture->tcp_adopt = attach_iterator(program, NULL);
	if (program == bpf->progs.udp_adopt_iter)
		return attach_iterator(program, NULL);
	if (bpf_program__type(program) == BPF_PROG_TYPE_CGROUP_SKB ||
	    bpf_program__type(program) == BPF_PROG_TYPE_CGROUP_SOCK)
		return attach_cgroup(capture, program);
	return bpf_program__attach(program);
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
		if (capture_has_programs(capture, i) && (i == HOOK_TCP_ADOPT || i == HOOK_UDP_ADOPT)) {
			r = capture_run_iterator(capture->links[capture->n_links - 1]);
			if (r < 0)
				log_warn("sockets older than the probe are not all known",
					 "hook=%s error=%s", hooks[i].name, strerror(-r));
		}
	}
	return 0;
}

void capture_unload(struct capture *capture)
{
	while (capture->n_links > 0)
		(void)bpf_link__destroy(capture->links[--capture->n_links]); /* closes its fd */
	sysprobe_bpf__destroy(capture->bpf);
	capture->bpf = NULL;
	capture->tcp_dump = capture->tcp_adopt = capture->udp_dump = capture->udp_expire = NULL;
}

/*
 * A program that loads may still not attach (cgroup v2 not mounted, no ftrace
 * trampoline); it then counts as refused and the choice is made again. Each
 * round refuses one program more, so this ends.
 */
int capture_load(struct capture *capture)
{
	for (;;) {
		int r = choose_and_load(capture);

		if (r <= 0)
			return r;
		if (attach(capture) == 0)
			return 0;
		capture_unload(capture);
	}
}
