/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The containers that one socket has spoken of, what was said of their addresses, and which
 * of them are to be asked for. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "docker_parse.h"

struct docker_known;

/* NULL: out of memory. */
struct docker_known *docker_known_new(size_t max);
void docker_known_free(struct docker_known *known); /* takes NULL */

bool docker_known_has(const struct docker_known *known, const char *id);

/* False: there are `max`, or no memory; it is there otherwise. Belongs to the list now. */
bool docker_known_add(struct docker_known *known, const char *id);
void docker_known_remove(struct docker_known *known, const char *id);

/* To be asked for; nothing for an unknown one. */
void docker_known_set_due(struct docker_known *known, const char *id);

/* One that is to be asked for, no longer so then; NULL: none. Valid until it is removed. */
const char *docker_known_take_due(struct docker_known *known);

/*
 * Where `container` has networks they are noted, otherwise those noted before are filled in.
 * False: none were ever noted.
 */
bool docker_known_fill_networks(struct docker_known *known, struct docker_container *container);

/* A new list: what is not added until its end is passed to `on_gone` and removed. */
void docker_known_begin_list(struct docker_known *known);
typedef void (*docker_known_on_gone)(const char *id, void *context);
void docker_known_end_list(struct docker_known *known, docker_known_on_gone on_gone, void *context);
