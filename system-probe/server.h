/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP/1.1 on the Unix socket. Each request is checked in this order: the peer's
 * credentials, the token, the route table.
 */

#include <sys/types.h>

struct auth_token;
struct event_base;
struct probe;
struct server;

/*
 * Serve `probe` on the listening socket `fd`, which is taken over. Peers may be
 * root, the token file's owner, or members of `group` ((gid_t)-1: none). NULL:
 * out of memory.
 */
struct server *server_new(struct event_base *base, int fd, struct probe *probe,
			  struct auth_token *token, gid_t group);
void server_free(struct server *server);
