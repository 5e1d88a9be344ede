/* SPDX-License-Identifier: Apache-2.0 */
#include "direction.h"

#include "listeners.h"
#include "loopback.h"

void direction_fill_role(struct connection *connection, const struct listeners *listeners)
{
	if (connection->role != CONNECTION_ROLE_UNKNOWN || connection->protocol != CONNECTION_TCP)
		return;
	if (listeners_has(listeners, connection))
		connection->role = CONNECTION_SERVER;
	else if (listeners_is_complete(listeners))
		connection->role = CONNECTION_CLIENT;
}

static enum connection_direction direction_of_role(enum connection_role role)
{
	switch (role) {
	case CONNECTION_SERVER:
		return CONNECTION_INCOMING;
	case CONNECTION_CLIENT:
		return CONNECTION_OUTGOING;
	default:
		return CONNECTION_DIRECTION_UNKNOWN;
	}
}

void direction_fill(struct connection *connection, bool has_other_end)
{
	if (has_other_end || loopback_is(connection))
		connection->direction = CONNECTION_LOCAL;
	else
		connection->direction = direction_of_role(connection->role);
}
