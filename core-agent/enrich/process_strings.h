/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The strings of one process, some of which may be handed out: what replaces or
 * frees those keeps the old ones in a graveyard, which its owner empties when
 * nobody can be holding them any more.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "service.h"

#define PROCESS_MAX_STRING_BYTES 4096

enum process_string {
	PROCESS_EXECUTABLE,
	PROCESS_COMMAND_LINE, /* arguments joined by single spaces */
	PROCESS_COMM,
	PROCESS_CGROUP_NAME, /* last component of its cgroup path, as the probe chose it */
	PROCESS_CONTAINER_ID,
	PROCESS_POD_UID,
	PROCESS_SYSTEMD_UNIT,
	PROCESS_SERVICE, /* this and the next two: as its environment says */
	PROCESS_ENV,
	PROCESS_VERSION,
	PROCESS_COMMAND_SERVICE, /* as its arguments say */
	PROCESS_UNIT_SERVICE,	 /* as its unit says */
	PROCESS_N_STRINGS,
};

#define PROCESS_ALL_STRINGS ((1u << PROCESS_N_STRINGS) - 1)

struct process_grave;

struct process_graveyard {
	SLIST_HEAD(, process_grave) graves;
	size_t n;
	size_t max;
};

void process_graveyard_init(struct process_graveyard *graveyard, size_t max);
void process_graveyard_empty(struct process_graveyard *graveyard);

/* New values, NULL for unknown, of those strings that have a bit in `mask`. Starts zeroed. */
struct process_change {
	char *strings[PROCESS_N_STRINGS]; /* heap, owned */
	unsigned int mask;
	enum service_source service_source; /* goes with PROCESS_SERVICE; its owner's to keep */
	int error; /* the first one that a setter met */
};

/* Cut at the first NUL and at PROCESS_MAX_STRING_BYTES; empty is NULL. */
void process_change_set(struct process_change *change, enum process_string which,
			const void *bytes, size_t size);
void process_change_set_text(struct process_change *change, enum process_string which,
			     const char *text);
/* From arguments that end in NULs: the command line and the service that it names. */
void process_change_set_command_line(struct process_change *change, const void *arguments,
				     size_t size, bool is_cut);
/* Both that a unit gives; "" for none. */
void process_change_set_unit(struct process_change *change, const char *unit);

/*
 * Make the change, which is empty afterwards in any case. `handed_out` has a bit
 * for each of `strings` that must outlive it, and loses those of replaced ones.
 * 0, or with `strings` as before: -ENOMEM, -ENOSPC (graveyard full).
 */
int process_change_apply(struct process_change *change, char **strings, unsigned int *handed_out,
			 struct process_graveyard *graveyard);

/* Free or bury all strings, and set them to NULL. Errors as above. */
int process_strings_release(char **strings, unsigned int handed_out,
			    struct process_graveyard *graveyard);
