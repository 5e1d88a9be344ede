/* SPDX-License-Identifier: Apache-2.0 */
#include "container_id.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check(const struct container_id *found)
{
	require(memchr(found->id, '\0', sizeof(found->id)) != NULL);
	require(memchr(found->pod_uid, '\0', sizeof(found->pod_uid)) != NULL);
	require(memchr(found->systemd_unit, '\0', sizeof(found->systemd_unit)) != NULL);
	require(!found->id[0] || strspn(found->id, "0123456789abcdef-") == strlen(found->id));
	require(!found->runtime || found->id[0]);
	require(strspn(found->pod_uid, "0123456789abcdef-") == strlen(found->pod_uid));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container_id found;

	container_id_parse_path((const char *)data, size, &found);
	check(&found);
	container_id_parse_text((const char *)data, size, &found);
	check(&found);
	return 0;
}
