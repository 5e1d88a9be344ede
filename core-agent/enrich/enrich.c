/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "cgroup_paths.h"
#include "cleanup.h"
#include "container_id.h"
#include "log.h"
#include "process_table.h"
#include "procfs.h"
#include "user_names.h"

#define MAX_USERS 1024
#define MAX_CGROUP_DIRECTORIES 20000
#define MAX_LIVENESS_CHECKS 4096 /* in one tick; about 5 us each */

struct lookup_key {
	uint64_t start_ns; /* as asked for; 0: any */
	uint64_t tgid;
};

/* One reading of /proc/PID, good or not: it is not repeated before the tick. */
struct lookup {
	struct lookup_key key;
	uint64_t found_start_ns; /* 0: nothing usable was there */
	UT_hash_handle hh;
};

struct enricher {
	int procfs;
	struct process_table *processes;
	struct user_names *users;
	struct cgroup_paths *cgroups;
	struct lookup *lookups;
	size_t max_processes; /* and look-ups */
	bool infers_services;
	bool is_procfs_of_probe; /* has shown a process as the probe knows it */
	int64_t boot_to_unix_ns;
	bool has_clock;
	struct enricher_stats stats;
	struct procfs_process scratch;
};

/* Heap; the host's file when its /proc is mounted elsewhere. NULL: out of memory. */
static char *passwd_path(const char *procfs_path)
{
	static const char name[] = "proc";
	size_t size = strlen(procfs_path);
	char *path = NULL;

	while (size > 1 && procfs_path[size - 1] == '/')
		size--;
	if (size >= sizeof(name) &&
	    memcmp(procfs_path + size - sizeof(name), "/proc", sizeof(name)) == 0) {
		size -= sizeof(name) - 1;
		if (asprintf(&path, "%.*setc/passwd", (int)size, procfs_path) < 0)
			return NULL;
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return strdup("/etc/passwd");
}

struct enricher *enricher_new(const char *procfs_path, size_t max_processes, bool infers_services)
{
	CLEANUP_FREE char *passwd = passwd_path(procfs_path);
	struct enricher *enricher = calloc(1, sizeof(*enricher));

	if (!enricher)
		return NULL;
	enricher->procfs = procfs_open(procfs_path);
	enricher->max_processes = max_processes;
	enricher->infers_services = infers_services;
	enricher->processes = process_table_new(max_processes);
	enricher->users = passwd ? user_names_new(passwd, MAX_USERS) : NULL;
	enricher->cgroups = cgroup_paths_new(procfs_path, MAX_CGROUP_DIRECTORIES);
	if (!enricher->processes || !enricher->users || !enricher->cgroups) {
		enricher_free(enricher);
		return NULL;
	}
	if (enricher->procfs < 0)
		log_warn("cannot open procfs: owners come from the probe alone", "path=%s error=%s",
			 procfs_path, strerror(-enricher->procfs));
	return enricher;
}

static void forget_lookup(struct enricher *enricher, struct lookup *lookup)
{
	HASH_DEL(enricher->lookups, lookup);
	free(lookup);
}

static void forget_lookups(struct enricher *enricher)
{
	struct lookup *lookup, *next;

	HASH_ITER(hh, enricher->lookups, lookup, next)
		forget_lookup(enricher, lookup);
}

void enricher_free(struct enricher *enricher)
{
	if (!enricher)
		return;
	forget_lookups(enricher);
	cleanup_close(&enricher->procfs);
	process_table_free(enricher->processes);
	user_names_free(enricher->users);
	cgroup_paths_free(enricher->cgroups);
	free(enricher);
}

static struct lookup *find_lookup(const struct enricher *enricher, struct lookup_key key)
{
	struct lookup *lookup;

	HASH_FIND(hh, enricher->lookups, &key, sizeof(key), lookup);
	return lookup;
}

/* NULL: no room or no memory, which is the same as a look-up that found nothing. */
static struct lookup *add_lookup(struct enricher *enricher, struct lookup_key key)
{
	struct lookup *lookup;

	if (HASH_COUNT(enricher->lookups) >= enricher->max_processes)
		return NULL;
	lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return NULL;
	lookup->key = key;
	HASH_ADD(hh, enricher->lookups, key, sizeof(lookup->key), lookup);
	if (lookup->hh.tbl)
		return lookup;
	free(lookup);
	return NULL;
}

static void count_refusal(struct enricher *enricher, int r)
{
	if (r == -ENOSPC)
		enricher->stats.n_table_full++;
	enricher->stats.n_processes = process_table_n_processes(enricher->processes);
}

void enricher_set_clock(struct enricher *enricher, int64_t boot_to_unix_ns)
{
	enricher->boot_to_unix_ns = boot_to_unix_ns;
	enricher->has_clock = true;
}

int enricher_add_process(struct enricher *enricher, const Sysprobe__V1__Process *process,
			 int64_t boot_to_unix_ns)
{
	struct lookup_key key = { .start_ns = process->start_ns, .tgid = process->tgid };
	struct lookup *stale = find_lookup(enricher, key);
	int r;

	enricher_set_clock(enricher, boot_to_unix_ns);
	if (stale)
		forget_lookup(enricher, stale); /* /proc may show what it called exec on by now */
	r = process_table_record(enricher->processes, process);
	count_refusal(enricher, r);
	return r;
}

/* Take what was read of /proc into the table, under `start_ns`. */
static int observe(struct enricher *enricher, uint32_t tgid, uint64_t start_ns)
{
	struct procfs_process *seen = &enricher->scratch;
	Sysprobe__V1__Process record = SYSPROBE__V1__PROCESS__INIT;
	struct container_id container;
	int r;

	record.event = SYSPROBE__V1__PROCESS__EVENT__EVENT_ALIVE;
	record.tgid = tgid;
	record.start_ns = start_ns;
	record.parent_tgid = seen->stat.parent_pid;
	record.uid = seen->uid;
	record.comm = seen->stat.comm;
	record.executable.data = (uint8_t *)seen->executable;
	record.executable.len = strlen(seen->executable);
	record.command_line.data = (uint8_t *)seen->command_line;
	record.command_line.len = seen->command_line_size;
	record.command_line_cut = seen->is_command_line_cut;
	r = process_table_observe(enricher->processes, &record,
				  (struct process_observation){
					  .has_uid = seen->has_uid,
					  .is_forked_only = seen->stat.is_forked_only });
	count_refusal(enricher, r);
	if (r < 0 || !seen->cgroup_size)
		return r;
	container_id_parse_text(seen->cgroup, seen->cgroup_size, &container);
	return process_table_set_container(enricher->processes,
					   process_table_find(enricher->processes, tgid, start_ns),
					   &container);
}

/* Read under its number alone, a process is known by its start time rounded down. */
static uint64_t start_from_ticks(struct enricher *enricher, uint32_t tgid)
{
	uint64_t ticks = enricher->scratch.stat.start_ticks;
	uint64_t from_ns = procfs_ticks_to_ns(ticks);
	const struct process *known = process_table_find_between(
		enricher->processes, tgid, from_ns, procfs_ticks_to_ns(ticks + 1));

	return known ? known->start_ns : from_ns;
}

/* Read /proc/PID, once between two ticks; the start time of what was found, or 0. */
static uint64_t look_up(struct enricher *enricher, uint32_t tgid, uint64_t start_ns)
{
	struct lookup_key key = { .start_ns = start_ns, .tgid = tgid };
	struct lookup *lookup = find_lookup(enricher, key);
	uint64_t found_start_ns = start_ns;
	int r;

	if (lookup)
		return lookup->found_start_ns;
	lookup = add_lookup(enricher, key);
	if (!lookup)
		return 0;
	r = procfs_read_process(enricher->procfs, tgid, start_ns, &enricher->scratch);
	if (r == -ESTALE)
		enricher->stats.n_pid_reused++;
	if (r < 0)
		return 0;
	if (start_ns)
		enricher->is_procfs_of_probe = true;
	else
		found_start_ns = start_from_ticks(enricher, tgid);
	/* Out of room, only what the table knew already can be given. */
	(void)observe(enricher, tgid, found_start_ns);
	lookup->found_start_ns = found_start_ns;
	return found_start_ns;
}

/* A reported process changes no more than the probe says; others may exec unseen. */
static bool is_complete(const struct process *process)
{
	return process->end_ns || (process->is_reported && process->is_procfs_read);
}

static const struct process *find_process(struct enricher *enricher,
					  const struct connection *connection)
{
	uint64_t start_ns = connection->process_start_ns;
	const struct process *process =
		process_table_find(enricher->processes, connection->pid, start_ns);

	if (process && is_complete(process))
		return process;
	if (start_ns)
		(void)look_up(enricher, connection->pid, start_ns); /* may add to what is known */
	else
		start_ns = look_up(enricher, connection->pid, 0);
	return process_table_find(enricher->processes, connection->pid, start_ns);
}

/* For a process that /proc cannot show any more: its cgroup, else its cgroup's name. */
static void resolve_container(struct enricher *enricher, const struct process *process,
			      uint64_t cgroup_id)
{
	const char *name = process->strings[PROCESS_CGROUP_NAME];
	const struct container_id *container = NULL;
	struct container_id from_name;

	if (process->cgroup_id)
		cgroup_id = process->cgroup_id;
	if (cgroup_id)
		container = cgroup_paths_get(enricher->cgroups, cgroup_id);
	if (name && (!container || !container->id[0])) {
		container_id_parse_path(name, strlen(name), &from_name);
		if (!container || from_name.id[0]) /* a v1 cgroup's: the id's is the runtime's own */
			container = &from_name;
	}
	if (container) /* without memory it stays unresolved and is tried again */
		(void)process_table_set_container(enricher->processes, process, container);
}

static const char *user_of(struct enricher *enricher, const struct process *process)
{
	bool is_container_user = process->strings[PROCESS_CONTAINER_ID] && process->uid != 0;

	if (!process->has_uid)
		return NULL;
	return is_container_user ? user_names_get_number(enricher->users, process->uid)
				 : user_names_get(enricher->users, process->uid);
}

static uint64_t to_unix_ns(const struct enricher *enricher, uint64_t boot_ns)
{
	uint64_t unix_ns;

	if (!enricher->has_clock ||
	    __builtin_add_overflow(boot_ns, enricher->boot_to_unix_ns, &unix_ns))
		return 0;
	return unix_ns;
}

static void fill_service(const struct enricher *enricher, const struct process *process,
			 struct connection_owner *owner)
{
	bool infers = enricher->infers_services;
	const struct service_candidates candidates = {
		.environment = process->strings[PROCESS_SERVICE],
		.environment_source = process->service_source,
		.command = infers ? process->strings[PROCESS_COMMAND_SERVICE] : NULL,
		.unit = infers ? process->strings[PROCESS_UNIT_SERVICE] : NULL,
		.executable = infers ? process->strings[PROCESS_EXECUTABLE] : NULL,
	};
	enum service_source source;

	owner->service = service_choose(&candidates, &source);
	owner->service_source = service_source_name(source);
	owner->env = process->strings[PROCESS_ENV];
	owner->version = process->strings[PROCESS_VERSION];
}

static void fill_from_process(struct enricher *enricher, const struct process *process,
			      struct connection *connection)
{
	struct connection_owner *owner = &connection->owner;

	process_table_hand_out(enricher->processes, process);
	owner->executable = process->strings[PROCESS_EXECUTABLE];
	owner->command_line = process->strings[PROCESS_COMMAND_LINE];
	owner->user = user_of(enricher, process);
	owner->start_unix_ns = to_unix_ns(enricher, process->start_ns);
	owner->container_id = process->strings[PROCESS_CONTAINER_ID];
	owner->container_runtime = process->container_runtime;
	owner->pod_uid = process->strings[PROCESS_POD_UID];
	owner->systemd_unit = process->strings[PROCESS_SYSTEMD_UNIT];
	fill_service(enricher, process, owner);
	if (!connection->comm || !*connection->comm)
		connection->comm = process->strings[PROCESS_COMM];
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static void fill_from_cgroup(struct enricher *enricher, struct connection *connection)
{
	struct connection_owner *owner = &connection->owner;
	const struct container_id *container =
		cgroup_paths_get(enricher->cgroups, connection->cgroup_id);

	if (!container)
		return;
	owner->container_id = or_null(container->id);
	owner->container_runtime = container->runtime;
	owner->pod_uid = or_null(container->pod_uid);
	owner->systemd_unit = or_null(container->systemd_unit);
}

void enricher_fill(struct enricher *enricher, struct connection *connection)
{
	const struct process *process =
		connection->pid ? find_process(enricher, connection) : NULL;

	if (process) {
		if (!process->is_container_resolved)
			resolve_container(enricher, process, connection->cgroup_id);
		fill_from_process(enricher, process, connection);
		return;
	}
	if (connection->pid) {
		enricher->stats.n_owner_unknown++;
		if (connection->process_start_ns)
			connection->owner.start_unix_ns =
				to_unix_ns(enricher, connection->process_start_ns);
	}
	if (connection->cgroup_id)
		fill_from_cgroup(enricher, connection);
}

/*
 * A process that cannot be seen is gone only where all can be seen: in the
 * probe's PID namespace, and not with hidepid, where not even process 1 is there.
 */
static bool is_gone(const struct enricher *enricher, const struct process *process)
{
	int r = procfs_check(enricher->procfs, process->tgid, process->start_ns);

	if (r == -ESTALE)
		return true;
	return (r == -ENOENT || r == -ESRCH) && procfs_check(enricher->procfs, 1, 0) == 0;
}

/* Records of ends can be lost with the probe's log; look when room gets short. */
static void end_unreported(struct enricher *enricher, uint64_t now_ns)
{
	size_t n = process_table_n_processes(enricher->processes);

	if (!enricher->is_procfs_of_probe || n < enricher->max_processes / 4 * 3)
		return;
	if (n > MAX_LIVENESS_CHECKS)
		n = MAX_LIVENESS_CHECKS;
	for (size_t i = 0; i < n; i++) {
		const struct process *process = process_table_next_living(enricher->processes);

		if (!process)
			return;
		if (!is_gone(enricher, process))
			continue;
		process_table_end(enricher->processes, process, now_ns);
		enricher->stats.n_ends_unreported++;
	}
}

void enricher_tick(struct enricher *enricher, uint64_t now_ns, uint64_t keep_ns)
{
	forget_lookups(enricher);
	end_unreported(enricher, now_ns);
	process_table_tick(enricher->processes, now_ns, keep_ns);
	user_names_tick(enricher->users);
	cgroup_paths_tick(enricher->cgroups);
	enricher->stats.n_processes = process_table_n_processes(enricher->processes);
	enricher->stats.n_cgroups_left_out = cgroup_paths_get_stats(enricher->cgroups)->n_left_out;
}

const struct enricher_stats *enricher_get_stats(const struct enricher *enricher)
{
	return &enricher->stats;
}
