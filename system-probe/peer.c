/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <sys/socket.h>

#define MAX_GROUPS 256

static bool is_in_group(int fd, gid_t group)
{
	gid_t groups[MAX_GROUPS];
	socklen_t size = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(gid_t); i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool peer_is_allowed(int fd, uid_t owner, gid_t group)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid == (uid_t)-1)
		return false;
	if (peer.uid == 0 || peer.uid == owner)
		return true;
	if (group == (gid_t)-1)
		return false;
	return peer.gid == group || is_in_group(fd, group);
}
