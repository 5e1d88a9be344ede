/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Why a source's Unix socket gave no answer, and what to do about it. */

struct fetch_answer;
struct source_health;

/*
 * Says so in `health`. For -EACCES with the socket's group by name, from /etc/group, so that
 * no name service can hold up the loop, or with the folder above it that is closed; a socket
 * of another user than root is for an ACL. `user` is who the agent runs as.
 */
void socket_trouble_tell(struct source_health *health, const char *path, const char *user,
			 const struct fetch_answer *answer);
