/* SPDX-License-Identifier: Apache-2.0 */
#include "process_update.h"

#include <string.h>

#include "service_environment.h"

void process_update_unknown(struct process *process, const Sysprobe__V1__Process *record)
{
	if (!process->parent_tgid)
		process->parent_tgid = record->parent_tgid;
	if (!process->cgroup_id)
		process->cgroup_id = record->cgroup_id;
}

static void set_bytes(struct process_change *change, enum process_string which,
		      const ProtobufCBinaryData *bytes)
{
	process_change_set(change, which, bytes->data, bytes->len);
}

/* The name may be of v1 and then changes alone. */
static bool is_in_cgroup(const struct process *process, const Sysprobe__V1__Process *record)
{
	const char *name = process->strings[PROCESS_CGROUP_NAME];
	size_t size = name ? strlen(name) : 0;

	return process->cgroup_id == record->cgroup_id && size == record->cgroup_name.len &&
	       (size == 0 || memcmp(name, record->cgroup_name.data, size) == 0);
}

/* Another cgroup than before: what was resolved from that one no longer holds. */
static void take_cgroup(struct process *process, const Sysprobe__V1__Process *record,
			struct process_change *change)
{
	if (!record->cgroup_id)
		return;
	if (process->cgroup_id && !is_in_cgroup(process, record))
		process->is_container_resolved = false;
	process->cgroup_id = record->cgroup_id;
	set_bytes(change, PROCESS_CGROUP_NAME, &record->cgroup_name);
}

/* What the environment says is set as a whole: by one that is known to have none as well. */
static void change_set_environment(struct process_change *change,
				   const Sysprobe__V1__Process *record)
{
	struct service_environment names = { .service = { .rank = 0 } };

	for (size_t i = 0; i < record->n_environment; i++)
		service_environment_add(&names, record->environment[i].data,
					record->environment[i].len);
	process_change_set_text(change, PROCESS_SERVICE, names.service.text);
	process_change_set_text(change, PROCESS_ENV, names.env.text);
	process_change_set_text(change, PROCESS_VERSION, names.version.text);
	change->service_source = service_environment_source(&names);
}

static void change_set_identity(struct process_change *change, const Sysprobe__V1__Process *record)
{
	set_bytes(change, PROCESS_EXECUTABLE, &record->executable);
	process_change_set_command_line(change, record->command_line.data,
					record->command_line.len, record->command_line_cut);
	process_change_set_text(change, PROCESS_COMM, record->comm);
}

/* ALIVE may know less than an earlier record; what the command names goes with it. */
static void keep_known(struct process_change *change, bool is_exec)
{
	for (unsigned int i = 0; !is_exec && i < PROCESS_N_STRINGS; i++)
		if (!change->strings[i] && i != PROCESS_COMMAND_SERVICE)
			change->mask &= ~(1u << i);
	if (!(change->mask & 1u << PROCESS_COMMAND_LINE))
		change->mask &= ~(1u << PROCESS_COMMAND_SERVICE);
}

/* EXEC: an unknown executable is not the one before. ALIVE: it still is. */
void process_update_start(struct process *process, const Sysprobe__V1__Process *record,
			  struct process_change *ret)
{
	bool is_exec = record->event == SYSPROBE__V1__PROCESS__EVENT__EVENT_EXEC;

	change_set_identity(ret, record);
	keep_known(ret, is_exec);
	if (is_exec || record->n_environment)
		change_set_environment(ret, record);
	take_cgroup(process, record, ret);
	if (ret->mask & 1u << PROCESS_COMMAND_LINE)
		process->is_command_line_cut = record->command_line_cut;
	if (record->parent_tgid)
		process->parent_tgid = record->parent_tgid;
	process->uid = record->uid;
	process->has_uid = true;
	if (is_exec)
		process->is_procfs_read = false;
}

static void inherit(struct process_change *change, const struct process *process,
		    const struct process *parent, enum process_string which)
{
	if (!process->strings[which] && parent->strings[which])
		process_change_set_text(change, which, parent->strings[which]);
}

/*
 * Who forked it, as far as can be told: an orphan's parent is who took it in. Servers
 * write "master: ..." and "worker: ..." behind a name that stays.
 */
static bool is_forked_by(const struct process *parent, const char *comm)
{
	const char *name = parent ? parent->strings[PROCESS_COMM] : NULL;
	size_t size = comm ? strcspn(comm, ":") : 0;

	if (!name || size == 0 || parent->tgid == 1)
		return false;
	return strcspn(name, ":") == size && memcmp(name, comm, size) == 0;
}

static void inherit_environment(struct process_change *change, const struct process *parent)
{
	process_change_set_text(change, PROCESS_SERVICE, parent->strings[PROCESS_SERVICE]);
	process_change_set_text(change, PROCESS_ENV, parent->strings[PROCESS_ENV]);
	process_change_set_text(change, PROCESS_VERSION, parent->strings[PROCESS_VERSION]);
	change->service_source = parent->service_source;
}

void process_update_exit(struct process *process, const struct process *parent,
			 const Sysprobe__V1__Process *record, struct process_change *ret)
{
	if (!process->has_uid)
		process->uid = record->uid;
	process->has_uid = true;
	if (!process->strings[PROCESS_COMM])
		process_change_set_text(ret, PROCESS_COMM, record->comm);
	if (!process->strings[PROCESS_CGROUP_NAME])
		set_bytes(ret, PROCESS_CGROUP_NAME, &record->cgroup_name);
	if (!parent || !record->forked_only || process->strings[PROCESS_EXECUTABLE])
		return;
	inherit(ret, process, parent, PROCESS_EXECUTABLE);
	inherit(ret, process, parent, PROCESS_COMMAND_LINE);
	inherit(ret, process, parent, PROCESS_COMMAND_SERVICE);
	if (is_forked_by(parent, record->comm))
		inherit_environment(ret, parent);
}

/* Keep what the probe said unless /proc knows better. */
static void drop_known(struct process_change *change, const struct process *process)
{
	const char *executable = process->strings[PROCESS_EXECUTABLE];

	if (executable && (executable[0] == '/' || !change->strings[PROCESS_EXECUTABLE]))
		change->mask &= ~(1u << PROCESS_EXECUTABLE);
	if (process->strings[PROCESS_COMMAND_LINE] &&
	    (!process->is_command_line_cut || !change->strings[PROCESS_COMMAND_LINE]))
		change->mask &= ~(1u << PROCESS_COMMAND_LINE | 1u << PROCESS_COMMAND_SERVICE);
	if (process->strings[PROCESS_COMM])
		change->mask &= ~(1u << PROCESS_COMM);
}

/* A worker of another user, whose exe link may not be read, seldom differs from its parent. */
static void set_executable_of_namesake(struct process_change *change, const struct process *parent,
				       const char *comm)
{
	if (!parent || !parent->strings[PROCESS_COMM] ||
	    strcmp(parent->strings[PROCESS_COMM], comm) != 0)
		return;
	process_change_set_text(change, PROCESS_EXECUTABLE, parent->strings[PROCESS_EXECUTABLE]);
}

/*
 * Of a process that the probe did not report: it was forked, or its exec was lost. Once
 * its parent is forgotten it keeps what it had.
 */
static void observe_environment(struct process_change *change, const struct process *parent,
				const char *comm, bool is_forked_only)
{
	static const struct process nobody;

	if (!is_forked_only)
		inherit_environment(change, &nobody);
	else if (is_forked_by(parent, comm))
		inherit_environment(change, parent);
}

void process_update_observe(struct process *process, const struct process *parent,
			    const Sysprobe__V1__Process *record,
			    struct process_observation observation, struct process_change *ret)
{
	change_set_identity(ret, record);
	if (!ret->strings[PROCESS_EXECUTABLE])
		set_executable_of_namesake(ret, parent, record->comm);
	if (process->is_reported)
		drop_known(ret, process);
	else
		observe_environment(ret, parent, record->comm, observation.is_forked_only);
	if (observation.has_uid && !process->is_reported) {
		process->uid = record->uid;
		process->has_uid = true;
	}
	if (ret->mask & 1u << PROCESS_COMMAND_LINE)
		process->is_command_line_cut = record->command_line_cut;
}
