/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One pass over what is live, whoever sees it: TCP connections and listeners, then UDP
 * flows, from the kernel's iterators or from the dumps of the tier `netlink`.
 */

#include "sp_types.h"

struct capture;
struct live_reader;

/* `capture` must outlive it. NULL and errno: of opening the iterators, or of the dumps. */
struct live_reader *live_reader_new(struct capture *capture);
void live_reader_free(struct live_reader *reader);

/*
 * The next records, some hundreds at most, valid until anybody's next call. Their
 * number, 0 at the end, or negative errno.
 */
int live_reader_read(struct live_reader *reader, const struct sp_connection **ret_records);
