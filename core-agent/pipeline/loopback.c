/* SPDX-License-Identifier: Apache-2.0 */
#include "loopback.h"

#include <string.h>

static bool is_loopback(enum connection_family family, const uint8_t address[16])
{
	static const uint8_t loopback6[16] = {[15] = 1};

	return family == CONNECTION_IPV4 ? address[0] == 127 : memcmp(address, loopback6, 16) == 0;
}

bool loopback_is(const struct connection *connection)
{
	return is_loopback(connection->family, connection->local_address) ||
	       is_loopback(connection->family, connection->remote_address) ||
	       memcmp(connection->local_address, connection->remote_address, 16) == 0;
}

uint32_t loopback_netns(const struct connection *connection)
{
	return loopback_is(connection) ? connection->netns : 0;
}
