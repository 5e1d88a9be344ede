/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The subnets that this host has interfaces in, as its cloud tells them. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "connection.h"

#define SUBNETS_MAX 32
#define SUBNETS_MAX_BLOCKS 64
#define SUBNETS_ID_SIZE 64
#define SUBNETS_MAC_SIZE 18

struct subnet {
	char id[SUBNETS_ID_SIZE];
	char mac[SUBNETS_MAC_SIZE]; /* of the interface; "": several are in it */
};

struct subnet_block {
	enum connection_family family;
	unsigned int n_bits;
	uint8_t address[16]; /* network order; IPv4 in the first four bytes */
	size_t subnet;
};

struct subnets {
	size_t n, n_blocks;
	size_t n_left_out; /* blocks, and interfaces whose blocks are not known for it */
	struct subnet subnets[SUBNETS_MAX];
	struct subnet_block blocks[SUBNETS_MAX_BLOCKS];
};

/*
 * `block` as "10.0.1.0/24" or "2001:db8::/64"; a subnet may have several. 0, -EINVAL (no
 * block; id or mac empty, too long, or not of printable ASCII), or -ENOSPC (counted).
 */
int subnets_add(struct subnets *subnets, const char *id, const char *mac, const char *block);

/*
 * The subnet whose gateway a connection between the two goes through: the local end's, where
 * the remote one is neither in a subnet of this host nor on the link (RFC 3927, RFC 4291), nor
 * a group. NULL: there is none, or it is not known.
 */
const struct subnet *subnets_find_route(const struct subnets *subnets,
					enum connection_family family, const uint8_t local[16],
					const uint8_t remote[16]);
