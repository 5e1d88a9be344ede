/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Takes secrets out of text that leaves the host: values that are known, and what
 * stands where secrets usually stand. Pure.
 */

#include <stddef.h>

#define SCRUB_HIDDEN "********"
#define SCRUB_MIN_SECRET_BYTES 6 /* shorter known values would hide half of the text */

struct scrub;

/* `secrets` ends with NULL; they are copied, empty and short ones left out. NULL: no memory. */
struct scrub *scrub_new(const char *const *secrets);
void scrub_free(struct scrub *scrub); /* takes NULL; forgets the secrets for sure */

/* `text` without secrets, heap; NULL: out of memory. Counts what was hidden into `n_hidden`. */
char *scrub_text(const struct scrub *scrub, const char *text, size_t *n_hidden);
