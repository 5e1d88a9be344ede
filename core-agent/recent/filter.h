/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which recent connections are asked for, set by name and text. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recent.h"

#define FILTER_MAX_TEXT_BYTES 256

/* An address with how many of its leading bits count. */
struct filter_network {
	uint8_t family; /* 0: any */
	uint8_t n_bits;
	uint8_t address[16];
};

/* Zero matches all. */
struct filter {
	uint8_t states; /* bit N: enum connection_state N; 0: any */
	uint8_t protocol, family, direction, role;
	bool has_error; /* any error at all */
	bool has_texts; /* any of those below */
	uint32_t pid, netns, error;
	uint16_t port, local_port, remote_port; /* `port`: either end's */
	struct filter_network local, remote;
	char comm[FILTER_MAX_TEXT_BYTES]; /* equal */
	char user[FILTER_MAX_TEXT_BYTES]; /* equal */
	char container[FILTER_MAX_TEXT_BYTES]; /* the id begins with it, or its name */
	char pod[FILTER_MAX_TEXT_BYTES];       /* uid or name */
	char namespace[FILTER_MAX_TEXT_BYTES]; /* kube_namespace */
	char tag[FILTER_MAX_TEXT_BYTES];       /* "key:value" of the local end */
	char remote_tag[FILTER_MAX_TEXT_BYTES];
	char service[FILTER_MAX_TEXT_BYTES];   /* unit, with or without ".service" */
	char search[FILTER_MAX_TEXT_BYTES];    /* in name, executable, command line, or a tag of either end */
};

/*
 * Narrow the filter by one parameter. 0, -ENOENT: none is called `name`, -EINVAL: the
 * value is not one of `ret_allowed`, which is then set to static text.
 */
int filter_set(struct filter *filter, const char *name, const char *value,
	       const char **ret_allowed);

bool filter_matches(const struct filter *filter, const struct recent_record *record);
