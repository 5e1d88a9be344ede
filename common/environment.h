/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Five variables of a process's environment say which service it is. All others may
 * hold secrets and are passed over unread. Pure: bytes in, bytes out.
 */

#include <stdbool.h>
#include <stddef.h>

/* What is kept of one "NAME=value" with its NUL, and of all of them. */
#define ENVIRONMENT_MAX_ENTRY_BYTES 1024
#define ENVIRONMENT_MAX_BYTES 2560

enum environment_variable {
	ENVIRONMENT_DD_SERVICE,
	ENVIRONMENT_DD_ENV,
	ENVIRONMENT_DD_VERSION,
	ENVIRONMENT_OTEL_SERVICE_NAME,
	ENVIRONMENT_OTEL_RESOURCE_ATTRIBUTES,
	ENVIRONMENT_N_VARIABLES, /* any other */
};

/*
 * Which variable the `size` bytes of "NAME=value" are, and where the value begins.
 * ENVIRONMENT_N_VARIABLES, and `*ret_value_at` untouched: none of the five.
 */
enum environment_variable environment_which(const char *entry, size_t size,
					    size_t *ret_value_at);

/*
 * Takes a block of NUL-terminated entries, in pieces of any size. An entry that is too
 * long loses its end; one that comes when less than ENVIRONMENT_MAX_ENTRY_BYTES are left
 * is left out. Starts zeroed.
 */
struct environment_picker {
	char kept[ENVIRONMENT_MAX_BYTES]; /* NUL-terminated entries, in their order */
	size_t size;
	bool is_cut; /* one of the five was too long, or was left out */
	char entry[ENVIRONMENT_MAX_ENTRY_BYTES]; /* the one that is being taken */
	size_t entry_size;
	bool is_passed_over; /* it is none of the five */
};

void environment_pick(struct environment_picker *picker, const char *bytes, size_t size);

/* The block has ended: keeps a last entry that no NUL ended. */
void environment_pick_end(struct environment_picker *picker);
