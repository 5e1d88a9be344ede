/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command flare. A child collects with the rights of the agent's user, says what it
 * has, and leaves the archive in memory; the parent, with the rights of who asked, writes
 * it to a file once that is wanted.
 */
#include "cli_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "flare_collect.h"
#include "tar.h"

#define FOLDER "sysprobe-flare"
#define MAX_HOST_BYTES 65

/* "-": the archive takes standard output's place, and the list goes to standard error. */
static bool is_to_stdout(const struct cli *cli)
{
	const char *output = arguments_get(&cli->arguments, "output");

	return output && strcmp(output, "-") == 0 && !cli_has(cli, "list");
}

static void print_list(struct cli *cli, const struct flare *flare)
{
	FILE *out = is_to_stdout(cli) ? stderr : stdout;

	for (size_t i = 0; i < flare->n; i++) {
		const struct flare_member *member = &flare->members[i];

		if (cli_has(cli, "json")) {
			json_t *object = json_pack("{s:s, s:s, s:I}", "name", member->name, "what",
						   member->what, "bytes", (json_int_t)member->size);

			(void)json_dumpf(object, out, JSON_COMPACT); /* cli_flush() sees it fail */
			fputc('\n', out);
			json_decref(object);
		} else {
			fprintf(out, "%9zu  %-18s  %s\n", member->size, member->name, member->what);
		}
	}
	if (!cli_has(cli, "json"))
		fprintf(out, "%zu secrets hidden\n", flare->n_hidden);
}

static int write_archive(const struct flare *flare, int fd)
{
	FILE *out = fdopen(dup(fd), "w");
	time_t now = time(NULL);
	int r = out ? 0 : -errno;

	for (size_t i = 0; i < flare->n && r == 0; i++) {
		char name[TAR_MAX_NAME_BYTES];

		(void)snprintf(name, sizeof(name), FOLDER "/%s", flare->members[i].name); /* fits */
		r = tar_add(out, name, flare->members[i].text, flare->members[i].size, now);
	}
	if (r == 0)
		r = tar_end(out);
	if (out && fclose(out) == EOF && r == 0)
		r = -errno;
	return r;
}

/* In the child. An exit code. */
static int collect(struct cli *cli, int fd)
{
	struct option_error error = {{0}}, ignored;
	struct flare flare = {.n = 0};
	bool is_bad = cli_load(cli, &error) != CLI_DONE;
	int r, code;

	if (is_bad && options_load_bytes(agent_options, agent_options_n, &cli->settings, "", "", 0,
					 &ignored) < 0)
		return cli_fail(CLI_FAILED, "%s", ignored.text);
	code = cli_drop(cli);
	if (code != CLI_DONE)
		return code;
	r = flare_collect(cli, is_bad ? error.text : NULL, &flare);
	if (r == 0)
		print_list(cli, &flare);
	if (r == 0)
		r = write_archive(&flare, fd);
	flare_deinit(&flare);
	if (r < 0)
		return cli_fail(CLI_FAILED, "cannot collect: %s", strerror(-r));
	return cli_flush(CLI_DONE);
}

static int collect_in_child(struct cli *cli, int fd)
{
	pid_t child;
	int status;

	(void)fflush(stdout); /* or both would write what waits there: nothing does */
	child = fork();
	if (child < 0)
		return cli_fail(CLI_FAILED, "cannot start a process: %s", strerror(errno));
	if (child == 0) {
		int code = collect(cli, fd);

		options_free(agent_options, agent_options_n, &cli->settings);
		_exit(code);
	}
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return cli_fail(CLI_FAILED, "collecting ended early");
	return WEXITSTATUS(status);
}

/* Without a terminal nobody can be asked. */
static bool is_wanted(struct cli *cli, const char *path)
{
	char answer[8] = "";

	if (cli_has(cli, "yes") || is_to_stdout(cli) || !isatty(STDIN_FILENO))
		return true;
	printf("write %s? [y/N] ", path);
	(void)fflush(stdout); /* a question that cannot be seen is answered with no */
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int copy(int from, int to)
{
	struct stat status;
	off_t place = 0;

	if (fstat(from, &status) < 0)
		return -errno;
	while (place < status.st_size)
		if (sendfile(to, from, &place, (size_t)(status.st_size - place)) < 0)
			return -errno;
	return 0;
}

static int write_file(const char *path, int fd)
{
	int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = out < 0 ? -errno : copy(fd, out);

	if (out >= 0 && close(out) < 0 && r == 0)
		r = -errno;
	if (r < 0 && out >= 0)
		(void)unlink(path); /* half an archive is of no use */
	if (r < 0)
		return cli_fail(CLI_FAILED, "cannot write %s: %s", path, strerror(-r));
	fprintf(stderr, "core-agent: wrote %s\n", path);
	return CLI_DONE;
}

static int write_to_stdout(int fd)
{
	int r = copy(fd, STDOUT_FILENO);

	return r < 0 ? cli_fail(CLI_FAILED, "cannot write: %s", strerror(-r)) : CLI_DONE;
}

static void default_path(char *out, size_t size)
{
	char host[MAX_HOST_BYTES] = "host", stamp[32];
	time_t now = time(NULL);
	struct tm utc;

	(void)gethostname(host, sizeof(host)); /* else "host" */
	host[sizeof(host) - 1] = '\0';
	(void)gmtime_r(&now, &utc); /* a time of now fits */
	(void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	(void)snprintf(out, size, FOLDER "-%s-%s.tar", host, stamp); /* fits */
}

int command_flare(struct cli *cli)
{
	CLEANUP_CLOSE int fd = memfd_create("flare", MFD_CLOEXEC);
	const char *output = arguments_get(&cli->arguments, "output");
	char path[160];
	int code;

	if (is_to_stdout(cli) && isatty(STDOUT_FILENO))
		return cli_fail(CLI_USAGE, "an archive is nothing for a terminal; send it to a "
					   "file: --output - > flare.tar");
	if (fd < 0)
		return cli_fail(CLI_FAILED, "no memory for the archive: %s", strerror(errno));
	default_path(path, sizeof(path));
	code = collect_in_child(cli, fd);
	if (code != CLI_DONE || cli_has(cli, "list"))
		return code;
	if (!is_wanted(cli, output ? output : path))
		return cli_fail(CLI_FAILED, "nothing was written");
	if (is_to_stdout(cli))
		return write_to_stdout(fd);
	return write_file(output ? output : path, fd);
}
