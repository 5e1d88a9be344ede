/* SPDX-License-Identifier: Apache-2.0 */
#include "environment.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* Nothing but the five, whole, and within the bounds. */
static void check(const struct environment_picker *picker)
{
	size_t value_at = 0;

	require(picker->size <= ENVIRONMENT_MAX_BYTES);
	for (size_t at = 0; at < picker->size;) {
		size_t n = strnlen(picker->kept + at, picker->size - at);

		require(at + n < picker->size && n < ENVIRONMENT_MAX_ENTRY_BYTES);
		require(environment_which(picker->kept + at, n, &value_at) <
			ENVIRONMENT_N_VARIABLES);
		require(value_at <= n);
		at += n + 1;
	}
}

/* The first byte says how large the pieces are that the second run gets. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct environment_picker whole, pieces;
	size_t step = size ? data[0] + 1U : 1;

	memset(&whole, 0, sizeof(whole));
	memset(&pieces, 0, sizeof(pieces));
	environment_pick(&whole, (const char *)data, size);
	environment_pick_end(&whole);
	for (size_t at = 0; at < size; at += step)
		environment_pick(&pieces, (const char *)data + at,
				 size - at < step ? size - at : step);
	environment_pick_end(&pieces);
	check(&whole);
	require(whole.size == pieces.size && whole.is_cut == pieces.is_cut);
	require(memcmp(whole.kept, pieces.kept, whole.size) == 0);
	return 0;
}
