/* SPDX-License-Identifier: Apache-2.0 */
#include "process_strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"
#include "service_command.h"

struct process_grave {
	char *strings[PROCESS_N_STRINGS];
	SLIST_ENTRY(process_grave) link;
};

static void free_strings(char **strings)
{
	for (int i = 0; i < PROCESS_N_STRINGS; i++) {
		free(strings[i]);
		strings[i] = NULL;
	}
}

void process_graveyard_init(struct process_graveyard *graveyard, size_t max)
{
	SLIST_INIT(&graveyard->graves);
	graveyard->n = 0;
	graveyard->max = max;
}

void process_graveyard_empty(struct process_graveyard *graveyard)
{
	struct process_grave *grave;

	while ((grave = SLIST_FIRST(&graveyard->graves))) {
		SLIST_REMOVE_HEAD(&graveyard->graves, link);
		free_strings(grave->strings);
		free(grave);
	}
	graveyard->n = 0;
}

void process_change_set(struct process_change *change, enum process_string which,
			const void *bytes, size_t size)
{
	change->mask |= 1u << which;
	free(change->strings[which]);
	change->strings[which] = NULL;
	if (size == 0 || *(const char *)bytes == '\0')
		return;
	if (size > PROCESS_MAX_STRING_BYTES)
		size = PROCESS_MAX_STRING_BYTES;
	change->strings[which] = strndup(bytes, size);
	if (!change->strings[which])
		change->error = -ENOMEM;
}

void process_change_set_text(struct process_change *change, enum process_string which,
			     const char *text)
{
	process_change_set(change, which, text, text ? strlen(text) : 0);
}

void process_change_set_command_line(struct process_change *change, const void *arguments,
				     size_t size, bool is_cut)
{
	char joined[PROCESS_MAX_STRING_BYTES], service[SERVICE_NAME_BYTES] = "";

	(void)service_from_command(arguments, size, is_cut, service); /* "" if it names none */
	process_change_set_text(change, PROCESS_COMMAND_SERVICE, service);
	size = procfs_join_command_line(arguments, size, joined, sizeof(joined));
	process_change_set(change, PROCESS_COMMAND_LINE, joined, size);
}

void process_change_set_unit(struct process_change *change, const char *unit)
{
	char service[SERVICE_NAME_BYTES] = "";

	(void)service_unit_name(unit, service); /* "" if it is not a service's */
	process_change_set_text(change, PROCESS_SYSTEMD_UNIT, unit);
	process_change_set_text(change, PROCESS_UNIT_SERVICE, service);
}

int process_strings_release(char **strings, unsigned int handed_out,
			    struct process_graveyard *graveyard)
{
	struct process_grave *grave = NULL;
	bool is_any_held = false;

	for (unsigned int i = 0; i < PROCESS_N_STRINGS; i++)
		is_any_held |= strings[i] && (handed_out & 1u << i);
	if (is_any_held) {
		if (graveyard->n >= graveyard->max)
			return -ENOSPC;
		grave = calloc(1, sizeof(*grave));
		if (!grave)
			return -ENOMEM;
		SLIST_INSERT_HEAD(&graveyard->graves, grave, link);
		graveyard->n++;
		/* Those that nobody holds are few and small enough to wait with the others. */
		memcpy(grave->strings, strings, sizeof(grave->strings));
		memset(strings, 0, sizeof(grave->strings));
	}
	free_strings(strings);
	return 0;
}

static bool is_same_string(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int process_change_apply(struct process_change *change, char **strings, unsigned int *handed_out,
			 struct process_graveyard *graveyard)
{
	char *old[PROCESS_N_STRINGS] = { NULL };
	int r = change->error;

	for (unsigned int i = 0; i < PROCESS_N_STRINGS; i++) {
		if (is_same_string(strings[i], change->strings[i]))
			change->mask &= ~(1u << i);
		if (change->mask & 1u << i)
			old[i] = strings[i];
	}
	if (r == 0)
		r = process_strings_release(old, *handed_out, graveyard);
	for (unsigned int i = 0; r == 0 && i < PROCESS_N_STRINGS; i++) {
		if (!(change->mask & 1u << i))
			continue;
		strings[i] = change->strings[i];
		change->strings[i] = NULL;
	}
	if (r == 0)
		*handed_out &= ~change->mask;
	free_strings(change->strings);
	return r;
}
