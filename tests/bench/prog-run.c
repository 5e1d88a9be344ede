/* SPDX-License-Identifier: Apache-2.0 */

/*
 * prog-run NAME: nanoseconds that the loaded cgroup_skb program NAME takes for a
 * TCP packet over IPv4, by BPF_PROG_TEST_RUN, which times many runs at once. The
 * kernel's statistics (bpf_stats_enabled) read the clock twice for each.
 */

#include <bpf/bpf.h>
#include <err.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS 200000

struct packet {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static int find_program(const char *name)
{
	__u32 id = 0;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		/* The kernel cuts names. */
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
		    strncmp(name, info.name, BPF_OBJ_NAME_LEN - 1) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	errx(1, "no program %s is loaded", name);
}

int main(int argc, char **argv)
{
	struct packet packet = {
		.ethernet.h_proto = htons(ETH_P_IP),
		.ip = {.version = 4, .ihl = 5, .protocol = IPPROTO_TCP,
		       .tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr))},
	};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &packet, .data_size_in = sizeof(packet),
		    .repeat = RUNS);

	if (argc != 2)
		errx(2, "usage: prog-run NAME");
	if (bpf_prog_test_run_opts(find_program(argv[1]), &options) < 0)
		err(1, "BPF_PROG_TEST_RUN");
	printf("%u\n", options.duration);
	return 0;
}
