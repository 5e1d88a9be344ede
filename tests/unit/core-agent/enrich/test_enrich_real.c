/* SPDX-License-Identifier: Apache-2.0 */
/* Real processes in the real /proc. */
#include "cgroup_fixture.h"
#include "enrich_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* A process that waits to be killed. */
static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	assert_true(pid > 0);
	return pid;
}

static void stop_process(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Until exec, the child still shows the name of this test. */
static struct connection fill_when_named(struct world *world, pid_t pid, const char *comm)
{
	struct connection connection = { .pid = 0 };

	for (int i = 0; i < 100; i++) {
		connection = fill(world, (uint32_t)pid, 0, 0);
		/* exec(2) sets the name first and the arguments a moment later. */
		if (connection.comm && strcmp(connection.comm, comm) == 0 &&
		    connection.owner.command_line &&
		    strncmp(connection.owner.command_line, comm, strlen(comm)) == 0)
			break;
		tick(world);
		(void)usleep(10000);
	}
	return connection;
}

static void real_process_in_a_real_cgroup_has_its_owner(void **state)
{
	struct world world = { .enricher = enricher_new("/proc", MAX_PROCESSES, true) };
	struct connection connection;
	struct cgroup cgroup;
	bool has_entered;
	pid_t pid;

	(void)state;
	if (!cgroup_make(&cgroup)) {
		enricher_free(world.enricher);
		print_message("skipped: no cgroup v2 hierarchy to write to\n");
		skip();
	}
	pid = start_process();
	has_entered = cgroup_enter(&cgroup, pid);
	connection = fill_when_named(&world, pid, "sleep");
	stop_process(pid);
	cgroup_remove(&cgroup);

	assert_true(has_entered);
	assert_string_equal(connection.owner.command_line, "sleep 60");
	assert_string_equal(connection.owner.container_id, CGROUP_DOCKER_ID);
	assert_string_equal(connection.owner.container_runtime, "docker");
	assert_non_null(connection.owner.user);
	assert_int_equal(access(cgroup.path, F_OK), -1);
	enricher_free(world.enricher);
}

static void executable_that_may_not_be_read_stays_unknown(void **state)
{
	int status = 0;
	pid_t pid, reader;

	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: needs root to become another user\n");
		skip();
	}
	pid = start_process();
	reader = fork();
	if (reader == 0) {
		struct world world = { .enricher = NULL };
		struct connection connection;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		world.enricher = enricher_new("/proc", MAX_PROCESSES, true);
		connection = fill_when_named(&world, pid, "sleep");
		_exit(!connection.owner.executable && connection.owner.command_line &&
				      strcmp(connection.owner.user, "root") == 0
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(reader, &status, 0), reader);
	stop_process(pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_process_in_a_real_cgroup_has_its_owner),
		cmocka_unit_test(executable_that_may_not_be_read_stays_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
