/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What this kernel can do, found by trying; never by its version. */

#include <stddef.h>

/*
 * Load one BPF program, alone, and drop it again. 0, -ENOENT (no such program in
 * the object) or the kernel's negative errno. Asked once for each program; later
 * calls return the first answer. A hook_try_program.
 */
int kernel_features_try_program(const char *program, void *unused);

/*
 * Take it for granted, where it was not asked, that these load, until told otherwise: one
 * load of all then shows it, in place of a trial for each.
 */
void kernel_features_assume(const char *const *programs, size_t n);

/* They did not: forget what was assumed. */
void kernel_features_drop_assumed(void);

/* Overrule an answer, for a program that loads but does not attach. */
void kernel_features_set_refused(const char *program, int error);

/*
 * One sentence with the remedy for an errno of loading or attaching: what is
 * missing (BTF, capabilities by name, memlock, lockdown). Static or in `buffer`.
 */
const char *kernel_features_remedy(int error, char *buffer, size_t size);

/* Route libbpf's own messages to the log at debug level, and nowhere else. */
void kernel_features_quieten_libbpf(void);
