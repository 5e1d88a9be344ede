/* SPDX-License-Identifier: Apache-2.0 */
#include "own_command.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "server/response.h"

#define PROGRAM "/proc/self/exe" /* also when the file was replaced since */
#define MAX_ARGUMENTS 8
/* Between the end of its output and its own. */
#define REAP_MS 5

struct running {
	struct response_source source; /* first: the server's view of it */
	struct own_command_host *host;
	const char *name; /* of the command, static */
	pid_t pid;	  /* 0: reaped */
	int fd;
	int max_exit_code;
	bool has_output_ended;
	struct event *readable;
	struct event *reap;
	struct event *deadline;
};

/* With all that it started: it leads a group of its own. */
static void kill_group(const struct running *running)
{
	if (running->pid > 0)
		(void)kill(-running->pid, SIGKILL); /* it may have ended already */
}

static void on_progress(evutil_socket_t fd, short events, void *context)
{
	struct running *running = context;

	(void)fd;
	(void)events;
	running->source.wake(running->source.wake_context);
}

static void on_deadline(evutil_socket_t fd, short events, void *context)
{
	struct running *running = context;

	(void)fd;
	(void)events;
	log_warn("a command asked for through the API took too long and was ended", "command=%s",
		 running->name);
	kill_group(running); /* the end of its output is the next to happen */
}

/* 0: it ended well. -EAGAIN: not yet. */
static int reap(struct running *running)
{
	static const struct timeval soon = {.tv_usec = REAP_MS * 1000};
	int status;
	pid_t pid = waitpid(running->pid, &status, WNOHANG);

	if (pid == 0) {
		(void)event_add(running->reap, &soon); /* a timer that exists can be set */
		return -EAGAIN;
	}
	running->pid = 0;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) <= running->max_exit_code)
		return 0;
	running->host->n_failed++;
	log_warn("a command asked for through the API failed; run it by hand to see why",
		 "command=%s", running->name);
	return -EIO;
}

static int next(struct response_source *source, struct evbuffer *out)
{
	struct running *running = (struct running *)source;
	char bytes[RESPONSE_CHUNK_BYTES];
	ssize_t n;

	if (running->has_output_ended)
		return reap(running);
	n = read(running->fd, bytes, sizeof(bytes));
	if (n > 0)
		return evbuffer_add(out, bytes, (size_t)n) < 0 ? -ENOMEM : 1;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return event_add(running->readable, NULL) < 0 ? -ENOMEM : -EAGAIN;
	if (n < 0)
		return -errno;
	running->has_output_ended = true;
	return reap(running);
}

static void free_running(struct response_source *source)
{
	struct running *running = (struct running *)source;

	kill_group(running);
	if (running->pid > 0)
		(void)waitpid(running->pid, NULL, 0); /* killed, so this does not wait */
	if (running->fd >= 0)
		(void)close(running->fd); /* for reading only */
	if (running->readable)
		event_free(running->readable);
	if (running->reap)
		event_free(running->reap);
	if (running->deadline)
		event_free(running->deadline);
	running->host->is_busy = false;
	free(running);
}

static int spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
		 const struct own_command *command, int out_fd, pid_t *ret_pid)
{
	const char *words[MAX_ARGUMENTS + 2] = {"core-agent"};
	int r;

	for (size_t i = 0; command->arguments[i]; i++) {
		if (i == MAX_ARGUMENTS)
			return -E2BIG;
		words[i + 1] = command->arguments[i];
	}
	r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, out_fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0)
		r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP);
	if (r == 0) /* which writes to none of its arguments */
		r = posix_spawn(ret_pid, PROGRAM, actions, attributes,
				(char *const *)(uintptr_t)words, environ);
	return -r;
}

static int start(const struct own_command *command, int out_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = -posix_spawnattr_init(&attributes);
	if (r == 0) {
		r = spawn(&actions, &attributes, command, out_fd, ret_pid);
		(void)posix_spawnattr_destroy(&attributes); /* always 0 */
	}
	(void)posix_spawn_file_actions_destroy(&actions); /* always 0 */
	return r;
}

static int set_up(struct running *running, const struct own_command *command)
{
	const struct timeval deadline = {.tv_sec = command->deadline_ms / 1000,
					 .tv_usec = command->deadline_ms % 1000 * 1000};
	struct event_base *base = running->host->base;
	CLEANUP_CLOSE int out_fd = -1;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	running->fd = fds[0];
	out_fd = fds[1];
	if (evutil_make_socket_nonblocking(running->fd) < 0)
		return -errno;
	running->readable = event_new(base, running->fd, EV_READ, on_progress, running);
	running->reap = evtimer_new(base, on_progress, running);
	running->deadline = evtimer_new(base, on_deadline, running);
	if (!running->readable || !running->reap || !running->deadline ||
	    event_add(running->deadline, &deadline) < 0)
		return -ENOMEM;
	return start(command, out_fd, &running->pid);
}

int own_command_new(struct own_command_host *host, const struct own_command *command,
		    struct response_source **ret)
{
	struct running *running;
	int r;

	if (host->is_busy) {
		host->n_refused++;
		return -EBUSY;
	}
	running = calloc(1, sizeof(*running));
	if (!running)
		return -ENOMEM;
	*running = (struct running){.source = {.next = next, .free = free_running},
				    .host = host,
				    .name = command->arguments[0],
				    .max_exit_code = command->max_exit_code,
				    .fd = -1};
	host->is_busy = true;
	r = set_up(running, command);
	if (r < 0) {
		free_running(&running->source);
		return r;
	}
	host->n_started++;
	*ret = &running->source;
	return 0;
}
