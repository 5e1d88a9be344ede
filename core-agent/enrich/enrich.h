/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose connection it is: fills connection.owner from the process log, from
 * /proc and from cgroup paths. Everything it hands out stays valid until the
 * next call of enricher_tick().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"
#include "sysprobe.pb-c.h"

struct enricher;

struct enricher_stats {
	uint64_t n_processes;         /* in the table now */
	uint64_t n_table_full;        /* processes not remembered: max_processes reached */
	uint64_t n_owner_unknown;     /* connections with a pid that no source could name */
	uint64_t n_pid_reused;        /* /proc held another process under that pid: not used */
	uint64_t n_ends_unreported;   /* processes found gone whose end the probe did not report */
	uint64_t n_cgroups_left_out;  /* directories beyond the bounds of a walk, each walk anew */
};

/*
 * `procfs_path` is "/proc" or the host's mount of it; copied. User names are taken
 * from etc/passwd beside it (/host/etc/passwd for /host/proc) if there is one,
 * else from /etc/passwd. A missing procfs is logged and done without. Without
 * `infers_services` only an environment names a service. NULL: out of memory.
 */
struct enricher *enricher_new(const char *procfs_path, size_t max_processes,
			      bool infers_services);
void enricher_free(struct enricher *enricher);

/*
 * One record of the probe's process table or log. `boot_to_unix_ns` is what turns
 * its CLOCK_BOOTTIME times into Unix time. 0, -ENOMEM, -ENOSPC (table full,
 * counted) or -EINVAL (no tgid or no start_ns).
 */
int enricher_add_process(struct enricher *enricher, const Sysprobe__V1__Process *process,
			 int64_t boot_to_unix_ns);

/* The same offset, from any header of the probe; owner.start_unix_ns is 0 before the first. */
void enricher_set_clock(struct enricher *enricher, int64_t boot_to_unix_ns);

/*
 * Fill connection->owner, and comm if empty. Never fails: what is unknown stays NULL.
 * A user of a container other than root is given as its number, as the host's
 * file of users does not name it.
 */
void enricher_fill(struct enricher *enricher, struct connection *connection);

/*
 * Once an interval, after export: forget processes that ended more than
 * `keep_ns` ago (late records may still name them) and invalidate look-ups
 * of /proc. `now_ns` is CLOCK_BOOTTIME.
 */
void enricher_tick(struct enricher *enricher, uint64_t now_ns, uint64_t keep_ns);

const struct enricher_stats *enricher_get_stats(const struct enricher *enricher);
