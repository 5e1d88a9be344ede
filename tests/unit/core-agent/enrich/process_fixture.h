/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Records as the probe sends them. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sysprobe.pb-c.h"

#define EVENT_ALIVE SYSPROBE__V1__PROCESS__EVENT__EVENT_ALIVE
#define EVENT_EXEC SYSPROBE__V1__PROCESS__EVENT__EVENT_EXEC
#define EVENT_EXIT SYSPROBE__V1__PROCESS__EVENT__EVENT_EXIT

/* NULL and 0 are unknown. The command line has no NULs but stands for one argument. */
struct record {
	Sysprobe__V1__Process__Event event;
	uint32_t tgid;
	uint64_t start_ns;
	const char *executable;
	const char *command_line;
	const char *comm;
	uint32_t parent;
	uint64_t time_ns;
	uint32_t uid;
	uint64_t cgroup_id;
	const char *cgroup_name;
	bool is_command_line_cut;
	bool is_forked_only;
	const char *environment; /* its one entry */
};

static inline ProtobufCBinaryData bytes_of(const char *text)
{
	/* The message's fields are not const, but nobody writes to them. */
	return (ProtobufCBinaryData){ text ? strlen(text) : 0, (uint8_t *)(uintptr_t)text };
}

static inline Sysprobe__V1__Process to_message(const struct record *record)
{
	static ProtobufCBinaryData environment; /* of the last message */
	Sysprobe__V1__Process message = SYSPROBE__V1__PROCESS__INIT;

	environment = bytes_of(record->environment);
	message.environment = &environment;
	message.n_environment = record->environment ? 1 : 0;
	message.event = record->event;
	message.tgid = record->tgid;
	message.parent_tgid = record->parent;
	message.start_ns = record->start_ns;
	message.time_ns = record->time_ns;
	message.uid = record->uid;
	if (record->comm)
		message.comm = (char *)(uintptr_t)record->comm;
	message.executable = bytes_of(record->executable);
	message.command_line = bytes_of(record->command_line);
	message.command_line_cut = record->is_command_line_cut;
	message.forked_only = record->is_forked_only;
	message.cgroup_id = record->cgroup_id;
	message.cgroup_name = bytes_of(record->cgroup_name);
	return message;
}
