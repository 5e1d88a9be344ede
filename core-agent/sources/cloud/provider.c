/* SPDX-License-Identifier: Apache-2.0 */
#include "provider.h"

#include <stdio.h>
#include <string.h>

void cloud_exchange_init(struct cloud_exchange *exchange, const struct cloud_provider *provider,
			 bool is_without_tags, const char *own_mac)
{
	memset(exchange, 0, sizeof(*exchange));
	cloud_facts_clear(&exchange->facts, provider->name);
	exchange->is_without_tags = is_without_tags;
	(void)snprintf(exchange->own_mac, sizeof(exchange->own_mac), "%s", own_mac);
}
