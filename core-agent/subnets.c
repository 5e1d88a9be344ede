/* SPDX-License-Identifier: Apache-2.0 */
#include "subnets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_name(const char *text, size_t max_size)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (!isgraph((unsigned char)text[i]))
			return false;
	return size > 0 && size < max_size;
}

static int parse_block(const char *text, struct subnet_block *ret)
{
	char address[INET6_ADDRSTRLEN], *end;
	size_t size = strcspn(text, "/");
	unsigned long n_bits, max;

	if (size >= sizeof(address) || text[size] != '/' || !isdigit((unsigned char)text[size + 1]))
		return -EINVAL;
	memcpy(address, text, size);
	address[size] = '\0';
	memset(ret, 0, sizeof(*ret));
	ret->family = strchr(address, ':') ? CONNECTION_IPV6 : CONNECTION_IPV4;
	max = ret->family == CONNECTION_IPV6 ? 128 : 32;
	n_bits = strtoul(text + size + 1, &end, 10);
	if (*end || n_bits == 0 || n_bits > max)
		return -EINVAL;
	ret->n_bits = (unsigned int)n_bits;
	return inet_pton(max == 128 ? AF_INET6 : AF_INET, address, ret->address) == 1 ? 0
										      : -EINVAL;
}

/* The one of that id, or a new one; SUBNETS_MAX: no room. */
static size_t find_or_add(struct subnets *subnets, const char *id, const char *mac)
{
	size_t i = 0;

	while (i < subnets->n && strcmp(subnets->subnets[i].id, id) != 0)
		i++;
	if (i == SUBNETS_MAX)
		return i;
	if (i == subnets->n) {
		strcpy(subnets->subnets[i].id, id); /* is_name() has looked at the sizes */
		strcpy(subnets->subnets[i].mac, mac);
		subnets->n++;
	} else if (strcmp(subnets->subnets[i].mac, mac) != 0) {
		subnets->subnets[i].mac[0] = '\0';
	}
	return i;
}

int subnets_add(struct subnets *subnets, const char *id, const char *mac, const char *text)
{
	struct subnet_block block;

	if (!is_name(id, SUBNETS_ID_SIZE) || !is_name(mac, SUBNETS_MAC_SIZE) ||
	    parse_block(text, &block) < 0)
		return -EINVAL;
	block.subnet = subnets->n_blocks < SUBNETS_MAX_BLOCKS ? find_or_add(subnets, id, mac)
							      : SUBNETS_MAX;
	if (block.subnet == SUBNETS_MAX) {
		subnets->n_left_out++;
		return -ENOSPC;
	}
	subnets->blocks[subnets->n_blocks++] = block;
	return 0;
}

static bool starts_with(const uint8_t address[16], const uint8_t prefix[16], unsigned int n_bits)
{
	unsigned int n_bytes = n_bits / 8, rest = n_bits % 8;
	unsigned int mask = 0xffU << (8 - rest);

	if (memcmp(address, prefix, n_bytes) != 0)
		return false;
	return rest == 0 || ((address[n_bytes] ^ prefix[n_bytes]) & mask & 0xffU) == 0;
}

static const struct subnet_block *find(const struct subnets *subnets,
				       enum connection_family family, const uint8_t address[16])
{
	for (size_t i = 0; i < subnets->n_blocks; i++) {
		const struct subnet_block *block = &subnets->blocks[i];

		if (block->family == family && starts_with(address, block->address, block->n_bits))
			return block;
	}
	return NULL;
}

/* Link-local, or multicast. */
static bool is_on_link(enum connection_family family, const uint8_t address[16])
{
	static const struct subnet_block blocks[] = {
		{.family = CONNECTION_IPV4, .n_bits = 16, .address = {169, 254}},
		{.family = CONNECTION_IPV4, .n_bits = 4, .address = {224}},
		{.family = CONNECTION_IPV6, .n_bits = 10, .address = {0xfe, 0x80}},
		{.family = CONNECTION_IPV6, .n_bits = 8, .address = {0xff}},
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		if (blocks[i].family == family &&
		    starts_with(address, blocks[i].address, blocks[i].n_bits))
			return true;
	return false;
}

const struct subnet *subnets_find_route(const struct subnets *subnets,
					enum connection_family family, const uint8_t local[16],
					const uint8_t remote[16])
{
	const struct subnet_block *block = find(subnets, family, local);

	if (!block || is_on_link(family, remote) || find(subnets, family, remote))
		return NULL;
	return &subnets->subnets[block->subnet];
}
