/* SPDX-License-Identifier: Apache-2.0 */

/*
 * prog-attach OBJECT PROGRAM COMMAND...: run COMMAND with one program of a BPF object
 * attached; prints its runs and their nanoseconds, by the kernel's statistics.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct bpf_program *load_only(const char *path, const char *name)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program, *found = NULL;

	if (!object)
		err(1, "%s", path);
	bpf_object__for_each_program(program, object) {
		bool is_wanted = strcmp(bpf_program__name(program), name) == 0;

		bpf_program__set_autoload(program, is_wanted);
		if (is_wanted)
			found = program;
	}
	if (!found)
		errx(1, "%s has no program %s", path, name);
	if (bpf_object__load(object) < 0)
		err(1, "load");
	return found;
}

static void run(char **command)
{
	int status, null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid = fork();

	if (pid == 0) {
		dup2(null_fd, STDOUT_FILENO);
		execvp(command[0], command);
		err(127, "%s", command[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		errx(1, "%s failed", command[0]);
	close(null_fd);
}

int main(int argc, char **argv)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	struct bpf_program *program;

	if (argc < 4)
		errx(2, "usage: prog-attach OBJECT PROGRAM COMMAND...");
	program = load_only(argv[1], argv[2]);
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		err(1, "BPF_ENABLE_STATS");
	if (!bpf_program__attach(program))
		err(1, "attach");
	run(argv + 3);
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) < 0)
		err(1, "BPF_OBJ_GET_INFO_BY_FD");
	printf("%llu %llu\n", info.run_cnt, info.run_time_ns);
	return 0;
}
