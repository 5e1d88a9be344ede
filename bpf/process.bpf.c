// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * Processes: a start and an end each, so that one that lived for milliseconds
 * keeps its name. Paths and arguments need helpers that copy strings, which
 * lockdown=confidentiality refuses: hence a second, bare variant of each hook.
 */

#include "count.bpf.h"
#include "owner.bpf.h"

/*
 * struct sp_process_event. Exec and exit write; user space reads when asked, or
 * when woken at a quarter full. When full, events[SP_EVENT_PROCESS_RING_FULL].
 */
#define PROCESS_RING_BYTES (1 << 19)
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PROCESS_RING_BYTES);
} process_ring SEC(".maps");

static __always_inline struct sp_process_event *event_begin(__u32 type, struct task_struct *task)
{
	struct sp_process_event *event = bpf_ringbuf_reserve(&process_ring, sizeof(*event), 0);
	struct task_struct *leader;

	if (!event) {
		count(SP_EVENT_PROCESS_RING_FULL);
		return NULL;
	}
	leader = task->group_leader;
	event->type = type;
	event->tgid = task->tgid;
	event->parent_tgid = task->real_parent->tgid;
	event->uid = task->cred->uid.val;
	event->start_ns = leader->start_boottime;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	event->filename_size = 0;
	event->command_line_size = 0;
	event->is_command_line_cut = 0;
	event->cgroup_name[0] = 0;
#pragma unroll
	for (int i = 0; i < SP_COMM_SIZE; i++)
		event->comm[i] = leader->comm[i];
	return event;
}

/* NULL where the memory controller is of v2, or the kernel has none. */
static __always_inline struct cgroup *memory_cgroup_v1(struct css_set *set)
{
	struct cgroup_subsys_state **controllers = set->subsys;
	struct cgroup *cgroup;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	cgroup = controllers[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)]->cgroup;
	return cgroup->root != set->dfl_cgrp->root ? cgroup : NULL;
}

/* True if it is long enough for a container's id. */
static __always_inline bool read_cgroup_name(struct sp_process_event *event, struct cgroup *cgroup)
{
	return bpf_probe_read_kernel_str(event->cgroup_name, SP_CGROUP_NAME_SIZE,
					 cgroup->kn->name) > SP_CONTAINER_ID_SIZE;
}

/*
 * A runtime that knows v1 alone leaves its containers in its own v2 cgroup (runc
 * before 1.1, or where v2 is not mounted): then their name is only in v1.
 */
static __always_inline void add_cgroup_name(struct sp_process_event *event,
					    struct task_struct *task)
{
	struct css_set *set = task->cgroups;
	struct cgroup *v1;

	if (read_cgroup_name(event, set->dfl_cgrp))
		return;
	v1 = memory_cgroup_v1(set);
	if (v1 && !read_cgroup_name(event, v1))
		(void)read_cgroup_name(event, set->dfl_cgrp); /* long or not */
}

/* The arguments lie on the new stack, just written, so they are in memory. */
static __always_inline void add_command_line(struct sp_process_event *event,
					     struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	__u64 size;

	if (!mm)
		return;
	size = mm->arg_end - mm->arg_start;
	if (size > SP_COMMAND_LINE_SIZE) {
		size = SP_COMMAND_LINE_SIZE;
		event->is_command_line_cut = 1;
	}
	if (!bpf_probe_read_user(event->command_line, size, (void *)mm->arg_start))
		event->command_line_size = size;
}

static __always_inline void add_filename(struct sp_process_event *event, struct linux_binprm *bprm)
{
	long size = bpf_probe_read_kernel_str(event->filename, SP_FILENAME_SIZE, bprm->filename);

	if (size > 1)
		event->filename_size = size - 1;
}

static __always_inline int on_exec(struct task_struct *task, struct linux_binprm *bprm,
				   bool has_strings)
{
	struct sp_process_event *event = event_begin(SP_PROCESS_EXEC, task);

	if (!event)
		return 0;
	if (has_strings) {
		add_cgroup_name(event, task);
		add_command_line(event, task);
		add_filename(event, bprm);
	}
	bpf_ringbuf_submit(event, ring_wakeup(&process_ring, PROCESS_RING_BYTES));
	return 0;
}

/* Only the last thread to go ends the process. */
static __always_inline int on_exit(struct task_struct *task, bool has_strings)
{
	struct sp_process_event *event;

	if (task->signal->live.counter != 0)
		return 0;
	event = event_begin(SP_PROCESS_EXIT, task);
	if (!event)
		return 0;
	if (has_strings)
		add_cgroup_name(event, task);
	bpf_ringbuf_submit(event, ring_wakeup(&process_ring, PROCESS_RING_BYTES));
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_tp_btf, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return on_exec(task, bprm, true);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_bare_tp_btf, struct task_struct *task, int old_pid,
	     struct linux_binprm *bprm)
{
	return on_exec(task, bprm, false);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit_tp_btf, struct task_struct *task)
{
	return on_exit(task, true);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit_bare_tp_btf, struct task_struct *task)
{
	return on_exit(task, false);
}
