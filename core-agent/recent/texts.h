/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Strings kept once, however many use them: equal strings have equal addresses. Pure.
 */

#include <stddef.h>

struct texts;

/* NULL: out of memory. */
struct texts *texts_new(void);
void texts_free(struct texts *texts); /* whatever users are left */

/* One more user of `text`. NULL: out of memory, or `text` is NULL or empty. */
const char *texts_take(struct texts *texts, const char *text);

/* Takes NULL, or what texts_take() gave. */
void texts_release(struct texts *texts, const char *text);

size_t texts_n(const struct texts *texts);
