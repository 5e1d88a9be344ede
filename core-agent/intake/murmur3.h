/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * MurmurHash3, x86 32-bit variant: not a choice but part of the wire format
 * (tagsChecksum). Own code because the one packaged C library, Debian's
 * libmurmurhash, is not in the RPM distributions that this agent is built for.
 */

#include <stddef.h>
#include <stdint.h>

/* Seed 0. */
uint32_t murmur3_32(const void *bytes, size_t size);
