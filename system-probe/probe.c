/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cleanup.h"
#include "environment.h"
#include "log.h"
#include "process_scan.h"

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t boottime_ns(void)
{
	return now_ns(CLOCK_BOOTTIME);
}

static uint64_t unix_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

static void on_closed(const struct sp_connection *connection, void *context)
{
	struct probe *probe = context;

	if (closed_log_append(probe->closed_log, connection) < 0)
		probe->counters.n_encode_errors++;
	else
		probe->counters.n_closed_taken++;
}

_Static_assert(SP_ENTRY_SIZE == ENVIRONMENT_MAX_ENTRY_BYTES &&
		       SP_ENVIRONMENT_SIZE == ENVIRONMENT_MAX_BYTES,
	       "an old process keeps as much of its environment as a new one");

static void on_process(const struct sp_process_event *event, void *context)
{
	struct probe *probe = context;
	char comm[SP_COMM_SIZE + 1] = "";
	struct process_record record = {
		.tgid = event->tgid,
		.parent_tgid = event->parent_tgid,
		.uid = event->uid,
		.start_ns = event->start_ns,
		.time_ns = event->time_ns,
		.cgroup_id = event->cgroup_id,
		.comm = comm,
		.cgroup_name = event->cgroup_name,
		.executable = event->filename,
		.executable_size = event->filename_size,
		.command_line = event->command_line,
		.command_line_size = event->command_line_size,
		.is_command_line_cut = event->is_command_line_cut,
		.is_forked_only = event->is_forked_only,
		.environment = event->environment,
		.environment_size = event->environment_size,
	};
	int r;

	memcpy(comm, event->comm, SP_COMM_SIZE);
	probe->counters.n_process_events_taken++;
	r = event->type == SP_PROCESS_EXEC ? process_log_add_exec(probe->process_log, &record) :
					     process_log_add_exit(probe->process_log, &record);
	if (r < 0)
		probe->counters.n_processes_not_kept++;
}

void probe_drain(struct probe *probe)
{
	probe->drained_boottime_ns = boottime_ns();
	probe->drained_unix_ns = unix_ns();
	if (capture_drain(probe->capture) < 0)
		probe->counters.n_drain_errors++;
}

#define OWNER_PASS_INTERVAL_NS 1000000000ULL
#define OWNER_PASS_SHARE 100

void probe_find_workers(struct probe *probe)
{
	uint64_t start_ns = boottime_ns(), spent_ns;

	if (!probe->has_unnamed_workers || start_ns < probe->next_owner_pass_ns)
		return;
	if (capture_find_owners(probe->capture) < 0)
		probe->counters.n_drain_errors++;
	probe->counters.n_owner_passes++;
	spent_ns = (boottime_ns() - start_ns) * OWNER_PASS_SHARE;
	probe->next_owner_pass_ns =
		start_ns + (spent_ns > OWNER_PASS_INTERVAL_NS ? spent_ns : OWNER_PASS_INTERVAL_NS);
}

/* 32 hex digits with hyphens, as random(4) has it. */
static void read_boot_id(uint8_t boot_id[INSTANCE_ID_BYTES])
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned int byte;

	for (size_t i = 0; file && i < INSTANCE_ID_BYTES && fscanf(file, "%*[-]") != EOF &&
			   fscanf(file, "%2x", &byte) == 1;
	     i++)
		boot_id[i] = (uint8_t)byte;
}

int probe_init(struct probe *probe, const struct probe_settings *settings)
{
	probe->settings = settings;
	probe->started_unix_ns = unix_ns();
	read_boot_id(probe->boot_id);
	probe->closed_log = closed_log_new((size_t)settings->max_closed_records);
	probe->process_log = process_log_new((size_t)settings->max_process_records,
					     (size_t)settings->max_processes);
	if (!probe->closed_log || !probe->process_log)
		return -ENOMEM;
	if (getrandom(probe->instance_id, INSTANCE_ID_BYTES, 0) != INSTANCE_ID_BYTES)
		return -errno;
	return 0;
}

void probe_deinit(struct probe *probe)
{
	capture_free(probe->capture);
	closed_log_free(probe->closed_log);
	process_log_free(probe->process_log);
}

static void scan_processes(struct probe *probe)
{
	const struct probe_settings *settings = probe->settings;
	struct process_scan_losses losses;
	int r = process_scan(settings->procfs_path, settings->collect_environment,
			     probe->process_log, &losses);

	if (r < 0)
		log_warn("cannot list processes, so those older than the probe have no names",
			 "path=%s error=%s remedy=%s", settings->procfs_path, strerror(-r),
			 "set procfs_path to where the host's procfs is mounted");
	probe->counters.n_processes_not_kept += losses.n_processes;
	probe->counters.n_environments_cut += losses.n_environments_cut;
	probe->counters.n_environments_unreadable += losses.n_environments_unreadable;
	if (losses.n_environments_unreadable)
		log_info("environments of older processes cannot be read: their services are guessed",
			 "processes=%" PRIu64 " remedy=%s", losses.n_environments_unreadable,
			 "where it is many, start the probe as root, or grant CAP_SYS_PTRACE");
}

int probe_start_capture(struct probe *probe)
{
	const struct capture_sink sink = { on_closed, on_process, probe };

	probe->capture = capture_start(probe->settings, &sink);
	if (!probe->capture)
		return -ENOMEM;
	if (probe->settings->is_enabled)
		scan_processes(probe);
	log_info("capture started", "tier=%s", tier_name(capture_tier(probe->capture)));
	return 0;
}
