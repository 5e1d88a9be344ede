/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_features.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "sysprobe.skel.h"

#define MAX_PROGRAMS 32
#define TRIAL_MAP_ENTRIES 4096
#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define LOW_MEMLOCK_BYTES (64UL * 1024 * 1024)

struct answer {
	char program[64];
	int result;
	bool is_assumed;
};

static struct answer answers[MAX_PROGRAMS];
static size_t n_answers;

static struct answer *find_answer(const char *program)
{
	for (size_t i = 0; i < n_answers; i++)
		if (strcmp(answers[i].program, program) == 0)
			return &answers[i];
	return NULL;
}

static void set_answer(const char *program, int result)
{
	struct answer *answer = find_answer(program);

	if (!answer && n_answers < MAX_PROGRAMS) {
		answer = &answers[n_answers++];
		snprintf(answer->program, sizeof(answer->program), "%s", program);
	}
	if (answer) {
		answer->result = result;
		answer->is_assumed = false;
	}
}

static void choose_only(struct bpf_object *object, const struct bpf_program *chosen)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, program == chosen);
	bpf_object__for_each_map(map, object)
		if (bpf_map__max_entries(map) > TRIAL_MAP_ENTRIES)
			bpf_map__set_max_entries(map, TRIAL_MAP_ENTRIES);
}

static int try_once(const char *name)
{
	struct sysprobe_bpf *skeleton = sysprobe_bpf__open();
	struct bpf_program *program;
	int r;

	if (!skeleton)
		return -errno;
	program = bpf_object__find_program_by_name(skeleton->obj, name);
	if (!program) {
		sysprobe_bpf__destroy(skeleton);
		return -ENOENT;
	}
	choose_only(skeleton->obj, program);
	r = bpf_object__load(skeleton->obj);
	sysprobe_bpf__destroy(skeleton);
	return r;
}

int kernel_features_try_program(const char *program, void *unused)
{
	struct answer *answer = find_answer(program);
	int r;

	(void)unused; /* the signature is hook_try_program's */
	if (answer)
		return answer->result;
	r = try_once(program);
	log_debug("tried a program", "program=%s result=%d", program, r);
	set_answer(program, r);
	return r;
}

void kernel_features_assume(const char *const *programs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (find_answer(programs[i]))
			continue;
		set_answer(programs[i], 0);
		if (find_answer(programs[i]))
			find_answer(programs[i])->is_assumed = true;
	}
}

void kernel_features_drop_assumed(void)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < n_answers; i++)
		if (!answers[i].is_assumed)
			answers[n_kept++] = answers[i];
	n_answers = n_kept;
}

void kernel_features_set_refused(const char *program, int error)
{
	set_answer(program, error);
}

/* The helper came with 5.11 and can be asked for by every kind of program. */
static bool is_before_5_11(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SOCKET_FILTER, BPF_FUNC_ktime_get_coarse_ns,
				       NULL) == 0;
}

/* Before 5.11 BPF maps counted against memlock. To be removed with kernels before 5.11. */
static bool is_memlock_low(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < LOW_MEMLOCK_BYTES &&
	       is_before_5_11();
}

static const char *missing_capabilities(char *buffer, size_t size)
{
	static const struct {
		unsigned int capability;
		const char *name;
	} needed[] = { { CAP_BPF, " CAP_BPF" },
		       { CAP_PERFMON, " CAP_PERFMON" },
		       { CAP_NET_ADMIN, " CAP_NET_ADMIN" } };
	size_t used;

	if (capng_get_caps_process() < 0 || capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return NULL;
	used = (size_t)snprintf(buffer, size, "start the probe as root, or grant it");
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, needed[i].capability))
			continue;
		if (used < size)
			used += (size_t)snprintf(buffer + used, size - used, "%s", needed[i].name);
	}
	return buffer;
}

const char *kernel_features_remedy(int error, char *buffer, size_t size)
{
	const char *missing;

	if (access(BTF_PATH, R_OK) < 0)
		return "the kernel shows no BTF at " BTF_PATH
		       ": use one built with CONFIG_DEBUG_INFO_BTF";
	missing = error == -EPERM || error == -EACCES ? missing_capabilities(buffer, size) : NULL;
	if (missing)
		return missing;
	if (error == -EPERM && is_memlock_low())
		return "raise memlock: ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit";
	if (error == -EPERM)
		return "the kernel forbids this kind of program: lockdown, or no ftrace trampolines";
	if (error == -EINVAL && is_before_5_11())
		return "the kernel is too old for this program: use Linux 5.12 or newer";
	return "log_level: debug shows what the kernel said";
}

static int print_to_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[1024];

	(void)level; /* the caller of libbpf decides what is an error */
	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	log_debug("libbpf", "message=%s", line);
	return 0;
}

void kernel_features_quieten_libbpf(void)
{
	libbpf_set_print(print_to_log);
}
