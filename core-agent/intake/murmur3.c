/* SPDX-License-Identifier: Apache-2.0 */
#include "murmur3.h"

static uint32_t rotate_left(uint32_t word, int n_bits)
{
	return word << n_bits | word >> (32 - n_bits);
}

static uint32_t scramble(uint32_t word)
{
	return rotate_left(word * 0xcc9e2d51, 15) * 0x1b873593;
}

static uint32_t read_le(const uint8_t *bytes, size_t size)
{
	uint32_t word = 0;

	for (size_t i = 0; i < size; i++)
		word |= (uint32_t)bytes[i] << (8 * i);
	return word;
}

static uint32_t finalize(uint32_t hash)
{
	hash = (hash ^ hash >> 16) * 0x85ebca6b;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35;
	return hash ^ hash >> 16;
}

uint32_t murmur3_32(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint32_t hash = 0;
	size_t left = size;

	for (; left >= 4; at += 4, left -= 4)
		hash = rotate_left(hash ^ scramble(read_le(at, 4)), 13) * 5 + 0xe6546b64;
	if (left)
		hash ^= scramble(read_le(at, left));
	return finalize(hash ^ (uint32_t)size);
}
