/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writing protobuf fields (protobuf.dev, "Encoding") one after the other. Twice
 * a packing library's walk over a message costs more than the kernel takes to
 * count the connection; this is what the probe does most, so it does it itself.
 * Fields of value 0 and empty bytes are left out, as proto3 does.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire {
	uint8_t *next;
	const uint8_t *end;
	bool is_full; /* something did not fit; what was written is of no use */
};

#define WIRE_VARINT_MAX_BYTES 10

static inline struct wire wire_begin(uint8_t *out, size_t capacity)
{
	return (struct wire){ out, out + capacity, false };
}

static inline void wire_put_varint(struct wire *wire, uint64_t value)
{
	if (wire->end - wire->next < WIRE_VARINT_MAX_BYTES) {
		wire->is_full = true;
		return;
	}
	while (value >= 0x80) {
		*wire->next++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*wire->next++ = (uint8_t)value;
}

static inline void wire_put_uint(struct wire *wire, unsigned int field, uint64_t value)
{
	if (value == 0)
		return;
	wire_put_varint(wire, field << 3);
	wire_put_varint(wire, value);
}

/* Also with `size` 0: an empty message is present, an empty string is not the caller's wish. */
static inline void wire_put_message(struct wire *wire, unsigned int field, const void *bytes,
				    size_t size)
{
	wire_put_varint(wire, field << 3 | 2);
	wire_put_varint(wire, size);
	if (wire->is_full || (size_t)(wire->end - wire->next) < size) {
		wire->is_full = true;
		return;
	}
	memcpy(wire->next, bytes, size);
	wire->next += size;
}

static inline void wire_put_bytes(struct wire *wire, unsigned int field, const void *bytes,
				  size_t size)
{
	if (size > 0)
		wire_put_message(wire, field, bytes, size);
}
