/* SPDX-License-Identifier: Apache-2.0 */
#include "environment.h"

#include <string.h>

#define NAME(text) { text "=", sizeof(text) }

static const struct {
	const char *text; /* with the '=' */
	size_t size;
} names[ENVIRONMENT_N_VARIABLES] = {
	[ENVIRONMENT_DD_SERVICE] = NAME("DD_SERVICE"),
	[ENVIRONMENT_DD_ENV] = NAME("DD_ENV"),
	[ENVIRONMENT_DD_VERSION] = NAME("DD_VERSION"),
	[ENVIRONMENT_OTEL_SERVICE_NAME] = NAME("OTEL_SERVICE_NAME"),
	[ENVIRONMENT_OTEL_RESOURCE_ATTRIBUTES] = NAME("OTEL_RESOURCE_ATTRIBUTES"),
};

enum environment_variable environment_which(const char *entry, size_t size, size_t *ret_value_at)
{
	for (int i = 0; i < ENVIRONMENT_N_VARIABLES; i++) {
		if (size < names[i].size || memcmp(entry, names[i].text, names[i].size) != 0)
			continue;
		*ret_value_at = names[i].size;
		return (enum environment_variable)i;
	}
	return ENVIRONMENT_N_VARIABLES;
}

/* Whether bytes that begin like this may become one of the five. */
static bool may_be_wanted(const char *entry, size_t size)
{
	for (int i = 0; i < ENVIRONMENT_N_VARIABLES; i++)
		if (memcmp(entry, names[i].text, size < names[i].size ? size : names[i].size) == 0)
			return true;
	return false;
}

static void keep(struct environment_picker *picker)
{
	if (sizeof(picker->kept) - picker->size < ENVIRONMENT_MAX_ENTRY_BYTES) {
		picker->is_cut = true;
		return;
	}
	memcpy(picker->kept + picker->size, picker->entry, picker->entry_size);
	picker->kept[picker->size + picker->entry_size] = '\0';
	picker->size += picker->entry_size + 1;
}

static void end_entry(struct environment_picker *picker)
{
	size_t value_at;

	if (environment_which(picker->entry, picker->entry_size, &value_at) !=
	    ENVIRONMENT_N_VARIABLES)
		keep(picker);
	picker->entry_size = 0;
	picker->is_passed_over = false;
}

static void take_byte(struct environment_picker *picker, char byte)
{
	if (picker->entry_size == sizeof(picker->entry) - 1) {
		picker->is_cut = true;
		return;
	}
	picker->entry[picker->entry_size++] = byte;
	picker->is_passed_over = !may_be_wanted(picker->entry, picker->entry_size);
}

void environment_pick(struct environment_picker *picker, const char *bytes, size_t size)
{
	const char *end = bytes + size;

	while (bytes < end) {
		if (picker->is_passed_over)
			bytes = memchr(bytes, '\0', (size_t)(end - bytes));
		if (!bytes)
			return;
		if (*bytes == '\0')
			end_entry(picker);
		else
			take_byte(picker, *bytes);
		bytes++;
	}
}

void environment_pick_end(struct environment_picker *picker)
{
	end_entry(picker);
}
