/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who began a connection, and whether it leaves this host. Pure. */

#include <stdbool.h>

#include "connection.h"

struct listeners;

/*
 * Give a TCP connection without a role (older than the probe) the one that the
 * listening sockets imply: server where one listens at its local end, else
 * client, but that only once all of them are known.
 */
void direction_fill_role(struct connection *connection, const struct listeners *listeners);

/*
 * Fill `direction` from addresses and role. `has_other_end`: it was seen on this
 * host as well.
 */
void direction_fill(struct connection *connection, bool has_other_end);
