/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service_command.h"
#include "service_environment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check(const char name[SERVICE_NAME_BYTES])
{
	require(memchr(name, '\0', SERVICE_NAME_BYTES) != NULL);
}

/* As a command line, whole and cut, and as the variables of an environment. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct service_environment names = { .service = { .rank = 0 } };
	char name[SERVICE_NAME_BYTES] = "";

	if (service_from_command(data, size, false, name))
		require(name[0] != '\0');
	check(name);
	(void)service_from_command(data, size, true, name);
	check(name);
	for (size_t at = 0; at < size;) {
		size_t n = strnlen((const char *)data + at, size - at);

		service_environment_add(&names, data + at, n);
		at += n + 1;
	}
	check(names.service.text);
	check(names.env.text);
	check(names.version.text);
	require((names.service.text[0] != '\0') == (service_environment_source(&names) != 0));
	return 0;
}
