/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Connections that a host, or a container, has with itself. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"

/* To a loopback address, or to the one it comes from. */
bool loopback_is(const struct connection *connection);

/*
 * The network namespace that its addresses mean something in: its own for loopback, as each
 * namespace has the same addresses there; 0 for the rest, whose other end may be in another.
 */
uint32_t loopback_netns(const struct connection *connection);
