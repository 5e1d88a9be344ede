/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * uthash for tables that are searched for each connection. Its own function takes a byte
 * at a time, and each element of a bucket is a line of memory to wait for: here the
 * function is XXH3, and buckets are split earlier. In a .c file, after what it sets for
 * uthash (uthash_nonfatal_oom); errors are told by whether the element was linked in.
 */

#include <xxhash.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, size, hash) ((hash) = (unsigned int)XXH3_64bits(key, size))
#include <uthash.h>

/* More than that many in one, where uthash has 10; below 3 the buckets outgrow the caches. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 3U
