/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sntp.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer from anywhere; the nonce is its own, so that all of it is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t offset_ns = 0, now_ns = INT64_C(1800000000000000000);
	uint64_t nonce = 0;

	for (size_t i = 24; i < 32 && i < size; i++)
		nonce = nonce << 8 | data[i];
	(void)sntp_decode(data, size, nonce, now_ns, now_ns + 1000, &offset_ns);
	return 0;
}
