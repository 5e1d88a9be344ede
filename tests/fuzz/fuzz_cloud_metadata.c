/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/cloud/local_hints.h"
#include "sources/cloud/provider.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REQUESTS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What separates one answer from the next. */
static const char *take_piece(const char **rest, const char *end, size_t *ret_size)
{
	const char *piece = *rest;
	const char *separator = memchr(piece, '\x1e', (size_t)(end - piece));

	*ret_size = (size_t)((separator ? separator : end) - piece);
	*rest = separator ? separator + 1 : end;
	return piece;
}

static void talk(const struct cloud_provider *provider, const char *rest, const char *end)
{
	static struct cloud_exchange exchange;
	struct cloud_request request;
	struct tag_list list;
	char name[CLOUD_VALUE_SIZE];
	int r = 0;

	cloud_exchange_init(&exchange, provider, false, "02:29:96:8f:6a:2d");
	for (int i = 0; r == 0 && provider->next(&exchange, &request); i++) {
		size_t size;
		const char *piece = take_piece(&rest, end, &size);
		char *body = malloc(size + 1);
		struct cloud_answer answer = {.body = body, .size = size, .flavor = "Google"};

		if (!body)
			return;
		memcpy(body, piece, size);
		body[size] = '\0';
		if (i == MAX_REQUESTS || strpbrk(request.header, "\r\n") ||
		    strpbrk(request.path, "\r\n #"))
			abort();
		r = provider->take(&exchange, &answer);
		free(body);
	}
	cloud_facts_tags(&exchange.facts, &list);
	cloud_facts_name(&exchange.facts, AZURE_NAME_FULL, name);
}

static void parse_text(const char *begin, size_t size)
{
	static struct subnets subnets;
	char interface[LOCAL_HINTS_INTERFACE_SIZE];
	char *text = strndup(begin, size);

	memset(&subnets, 0, sizeof(subnets));
	if (text) {
		local_hints_parse_route(text, interface);
		(void)subnets_add(&subnets, "subnet-1", "02:29:96:8f:6a:2d", text);
	}
	free(text);
}

/* The answers of one conversation, with each cloud in turn; or routes, or a block. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *begin = (const char *)data;

	if (size == 0)
		return 0;
	talk(&cloud_aws, begin, begin + size);
	talk(&cloud_gcp, begin, begin + size);
	talk(&cloud_azure, begin, begin + size);
	parse_text(begin, size);
	return 0;
}
