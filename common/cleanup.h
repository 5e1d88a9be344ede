/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Scope-exit attributes: the owner of an allocation is visible where it is declared. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing was written through it that could be lost */
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* for reading only */
}

#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_close)))
#define CLEANUP_FCLOSE __attribute__((cleanup(cleanup_fclose)))
