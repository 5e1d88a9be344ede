/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "service.h"

/* Bytes and words of a command line that are looked at; what follows is not. */
#define SERVICE_MAX_COMMAND_BYTES 4096
#define SERVICE_MAX_WORDS 256

/*
 * The service that a command line names: what an interpreter or a launcher runs, or a
 * server's title of its process. `arguments` end in NULs each, but for the last one,
 * which may be cut (`is_cut`) and is then not used. Any bytes. False: it names none, as
 * that of a plain program does not. Pure.
 */
bool service_from_command(const void *arguments, size_t size, bool is_cut,
			  char out[SERVICE_NAME_BYTES]);
