/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Shared by capture.c, which starts and ends it, capture_load.c, which chooses and loads the
 * programs, and capture_read.c, which reads what they found.
 */

#include "capture.h"
#include "netlink/netlink_capture.h"
#include "sysprobe.skel.h"
#include "unseen_ends.h"

#define CAPTURE_MAX_LINKS 24

struct capture {
	const struct probe_settings *settings;
	struct capture_sink sink;
	struct hook_choice choices[N_HOOKS];
	struct sysprobe_bpf *bpf; /* NULL: nothing loaded */
	struct netlink_capture *netlink; /* NULL: another tier */
	struct bpf_link *links[CAPTURE_MAX_LINKS];
	size_t n_links;
	struct bpf_link *tcp_dump, *tcp_adopt, *udp_dump, *udp_expire; /* borrowed from `links` */
	const struct sp_connection *tcp_live; /* mapped, SP_MAX_LIVE; NULL: nothing loaded */
	struct ring_buffer *rings;
	int cgroup_error; /* of opening the cgroup root; 0: opened, or not needed */
	int n_cpus;
	struct unseen_ends unseen_ends;
};

/* What the programs counted of the TCP connections with storage; they are loaded. */
struct tcp_tally capture_tally_tcp(const struct capture *capture);

/* Run an iterator to its end for its side effects. 0 or negative errno. */
int capture_run_iterator(const struct bpf_link *link);

/*
 * Choose, load and attach. 0, also where nothing is left to load; else negative errno, and
 * capture_unload() is the caller's.
 */
int capture_load(struct capture *capture);

/* Detach and unload; nothing may be loaded. Maps that are mapped, and rings, go first. */
void capture_unload(struct capture *capture);

/* Whether BPF programs are behind a hook. */
bool capture_has_programs(const struct capture *capture, enum hook_id id);
