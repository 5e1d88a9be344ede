/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How far one word is from another, to name what was likely meant. Pure. */

#include <stddef.h>

/*
 * Damerau-Levenshtein distance in its restricted form (optimal string
 * alignment): insert, delete, replace, swap neighbours; each counts 1. Of words
 * over 96 bytes the rest is not looked at.
 */
size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size);
