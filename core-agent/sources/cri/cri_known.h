/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What was asked about one pod sandbox or container after it was first seen in a list, so
 * that it is asked once. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "tags/entities.h"

#define CRI_MAX_IMAGE 512

struct cri_known;

struct cri_item {
	bool is_asked;
	struct entity_address addresses[ENTITY_MAX_ADDRESSES]; /* of a sandbox */
	size_t n_addresses;
	char image[CRI_MAX_IMAGE]; /* of a container: with a name, or "" */
};

/* NULL: out of memory. */
struct cri_known *cri_known_new(size_t max);
void cri_known_free(struct cri_known *known); /* takes NULL */

/* Found, or new and zero; belongs to the list now. NULL: id too long, `max`, or no memory. */
struct cri_item *cri_known_get(struct cri_known *known, const char *id);

/* A new list; at its end what was not got since is forgotten. */
void cri_known_begin_list(struct cri_known *known);
void cri_known_end_list(struct cri_known *known);
