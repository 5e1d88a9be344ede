/* SPDX-License-Identifier: Apache-2.0 */
/* What the intake answers: whatever it is, decoding ends in a text or an error. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "intake/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *complaint = NULL;
	int result = message_decode_reply(bytes, size, &complaint);

	if ((result == 0) != (complaint != NULL))
		abort();
	if (complaint && strlen(complaint) > MESSAGE_MAX_REPLY_BYTES)
		abort();
	free(complaint);
	return 0;
}
