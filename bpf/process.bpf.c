// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)

/*
 * Processes: a start and an end each, so that one that lived for milliseconds
 * keeps its name. Paths and arguments need helpers that copy strings, which
 * lockdown=confidentiality refuses: hence a second, bare variant of each hook.
 */

#include "count.bpf.h"
#include "owner.bpf.h"

const volatile bool collect_environment = true;

/*
 * struct sp_process_event, as far as `environment` is used. Exec and exit write; user
 * space reads when asked, or when woken at a quarter full. When full,
 * events[SP_EVENT_PROCESS_RING_FULL].
 */
#define PROCESS_RING_BYTES (1 << 19)
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PROCESS_RING_BYTES);
} process_ring SEC(".maps");

#define EVENT_BASE_BYTES __builtin_offsetof(struct sp_process_event, environment)

/*
 * Where exec puts its event together, as its size is known at the end. Only one program
 * that is loaded uses it, which does not interrupt itself. Never full; 3.6 KiB for each CPU.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sp_process_event);
} exec_event SEC(".maps");

static __always_inline void event_begin(struct sp_process_event *event, __u32 type,
					struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	event->type = type;
	event->tgid = task->tgid;
	event->parent_tgid = task->real_parent->tgid;
	event->uid = task->cred->uid.val;
	event->start_ns = leader->start_boottime;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	event->filename_size = 0;
	event->command_line_size = 0;
	event->environment_size = 0;
	event->is_command_line_cut = 0;
	event->is_environment_cut = 0;
	event->is_forked_only = (task->flags & PF_FORKNOEXEC) != 0;
	event->cgroup_name[0] = 0;
#pragma unroll
	for (int i = 0; i < SP_COMM_SIZE; i++)
		event->comm[i] = leader->comm[i];
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

/* In pieces as large as fit; memcmp() would be a call, and there is no such function. */
#define COMPARE(type)                                              \
	for (; at + sizeof(type) <= size; at += sizeof(type)) {    \
		type left, right;                                  \
		__builtin_memcpy(&left, text + at, sizeof(type));  \
		__builtin_memcpy(&right, name + at, sizeof(type)); \
		if (left != right)                                 \
			return false;                              \
	}

static __always_inline bool begins_with(const char *text, const char *name, __u32 size)
{
	__u32 at = 0;

#pragma unroll
	COMPARE(__u64)
#pragma unroll
	COMPARE(__u32)
#pragma unroll
	COMPARE(__u16)
#pragma unroll
	COMPARE(__u8)
	return true;
}

#define BEGINS_WITH(text, name) begins_with(text, name, sizeof(name) - 1)

/* The names of common/environment.c. */
static __always_inline bool is_wanted(const char *entry)
{
	return BEGINS_WITH(entry, "DD_SERVICE=") || BEGINS_WITH(entry, "DD_ENV=") ||
	       BEGINS_WITH(entry, "DD_VERSION=") || BEGINS_WITH(entry, "OTEL_SERVICE_NAME=") ||
	       BEGINS_WITH(entry, "OTEL_RESOURCE_ATTRIBUTES=");
}

/* Sizes are kept in the event: what the verifier knows of a register, it tells apart. */
static __always_inline void keep_entry(struct sp_process_event *event, __u64 at)
{
	__u64 size = event->environment_size;
	long n;

	if (size > SP_ENVIRONMENT_SIZE - SP_ENTRY_SIZE) {
		event->is_environment_cut = 1;
		return;
	}
	n = bpf_probe_read_user_str(event->environment + size, SP_ENTRY_SIZE, (void *)at);
	if (n <= 0)
		return;
	event->environment_size = size + n;
	if (n == SP_ENTRY_SIZE)
		event->is_environment_cut = 1;
}

/* On the stack, which has 512 bytes; a longer variable takes several steps. */
#define STEP_BYTES 256
/* A pod is told seven variables of each service in its namespace. */
#define MAX_STEPS 4096
#define MAX_STEPS_UNLOOPED 256 /* each is gone through by the verifier, at every start */

struct environment_walk {
	struct sp_process_event *event;
	__u64 at;
	__u64 end;
	bool is_inside; /* `at` continues a variable */
};

/*
 * Only what is wanted leaves the program's stack. Like the arguments, the environment
 * was just written to the new stack, so it is in memory. Non-zero ends the walk.
 */
static __always_inline long walk_step(struct environment_walk *walk)
{
	__u64 text[STEP_BYTES / 8]; /* aligned for the comparisons */
	long n;

	if (walk->at >= walk->end)
		return 1;
	n = bpf_probe_read_user_str(text, STEP_BYTES, (void *)walk->at);
	if (n < 0)
		return 1;
	if (n == 0) /* of an empty string the NUL was not counted, in mm/maccess.c of older kernels */
		n = 1;
	if (!walk->is_inside && is_wanted((const char *)text))
		keep_entry(walk->event, walk->at);
	walk->is_inside = n == STEP_BYTES;
	walk->at += walk->is_inside ? STEP_BYTES - 1 : n;
	return 0;
}

static long on_walk_step(__u32 i, struct environment_walk *walk)
{
	return walk_step(walk);
}

/* bpf_loop() is there since Linux 5.17. */
static __always_inline void add_environment(struct sp_process_event *event,
					    struct task_struct *task, bool has_loop)
{
	struct environment_walk walk = { .event = event };
	struct mm_struct *mm = task->mm;

	if (!mm)
		return;
	walk.at = mm->env_start;
	walk.end = mm->env_end;
	if (has_loop)
		bpf_loop(MAX_STEPS, on_walk_step, &walk, 0);
	else
		for (int i = 0; i < MAX_STEPS_UNLOOPED; i++)
			if (walk_step(&walk))
				break;
	if (event->is_environment_cut || walk.at < walk.end)
		count(SP_EVENT_ENVIRONMENT_CUT);
}

enum exec_variant { EXEC_FULL, EXEC_UNLOOPED, EXEC_BARE };

static __always_inline int on_exec(struct task_struct *task, struct linux_binprm *bprm,
				   enum exec_variant variant)
{
	__u32 zero = 0;
	struct sp_process_event *event = bpf_map_lookup_elem(&exec_event, &zero);
	__u64 size;

	if (!event)
		return 0; /* for the verifier: the element is always there */
	event_begin(event, SP_PROCESS_EXEC, task);
	if (variant != EXEC_BARE) {
		add_cgroup_name(event, task);
		add_command_line(event, task);
		add_filename(event, bprm);
		if (collect_environment)
			add_environment(event, task, variant == EXEC_FULL);
	}
	size = event->environment_size;
	if (size > SP_ENVIRONMENT_SIZE)
		size = SP_ENVIRONMENT_SIZE; /* for the verifier */
	if (bpf_ringbuf_output(&process_ring, event, EVENT_BASE_BYTES + size,
			       ring_wakeup(&process_ring, PROCESS_RING_BYTES)) < 0)
		count(SP_EVENT_PROCESS_RING_FULL);
	return 0;
}

/* Only the last thread to go ends the process. */
static __always_inline int on_exit(struct task_struct *task, bool has_strings)
{
	struct sp_process_event *event;

	if (task->signal->live.counter != 0)
		return 0;
	event = bpf_ringbuf_reserve(&process_ring, EVENT_BASE_BYTES, 0);
	if (!event) {
		count(SP_EVENT_PROCESS_RING_FULL);
		return 0;
	}
	event_begin(event, SP_PROCESS_EXIT, task);
	if (has_strings)
		add_cgroup_name(event, task);
	bpf_ringbuf_submit(event, ring_wakeup(&process_ring, PROCESS_RING_BYTES));
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_tp_btf, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return on_exec(task, bprm, EXEC_FULL);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_unlooped_tp_btf, struct task_struct *task, int old_pid,
	     struct linux_binprm *bprm)
{
	return on_exec(task, bprm, EXEC_UNLOOPED);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_bare_tp_btf, struct task_struct *task, int old_pid,
	     struct linux_binprm *bprm)
{
	return on_exec(task, bprm, EXEC_BARE);
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
