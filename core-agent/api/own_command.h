/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A command of this program, run in a child, as an answer: for what blocks (sockets,
 * name resolution, a time server) and must not stop the loop. It is executed anew, as
 * an operator would, and sees the settings file as it is now; whoever stays away, or a
 * command that takes too long, ends it and all that it started.
 */

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct response_source;

/* Of one API: one command at a time. Outlives the sources. */
struct own_command_host {
	struct event_base *base;
	bool is_busy;
	uint64_t n_started;
	uint64_t n_refused; /* one was running */
	uint64_t n_failed;  /* killed at the deadline, or ended with another code than expected */
};

struct own_command {
	const char *const *arguments; /* after the program's name; ends with NULL */
	unsigned int deadline_ms;
	int max_exit_code; /* beyond it the answer is cut: 1 for diagnose, which says so */
};

/*
 * What the command writes to standard output. 0, -EBUSY (one is running), or what
 * starting it gave. `command` is needed for the call only.
 */
int own_command_new(struct own_command_host *host, const struct own_command *command,
		    struct response_source **ret);
