/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scrub.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A known secret never comes through, whatever stands around it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const secrets[] = {"0123456789abcdef", NULL};
	struct scrub *scrub = scrub_new(secrets);
	char *text = strndup((const char *)data, size), *out;
	size_t n_hidden = 0;

	if (!scrub || !text)
		abort();
	out = scrub_text(scrub, text, &n_hidden);
	if (!out || strstr(out, secrets[0]))
		abort();
	free(out);
	free(text);
	scrub_free(scrub);
	return 0;
}
