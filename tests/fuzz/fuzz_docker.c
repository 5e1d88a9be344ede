/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as each of the answers of Docker's API: only ids that fit into a URL come out. */

#include "options.h"
#include "sources/docker/docker_lines.h"
#include "sources/docker/docker_parse.h"
#include "sources/docker/docker_tags.h"
#include "sources/json_items.h"
#include "tags/tag_list.h"

#include <stdlib.h>
#include <string.h>

static struct option_pair pairs[] = {{"*", "l_%%label%%"}, {"a?p", "%%label%%"}};
static const struct option_map labels = {pairs, 2};
static const struct option_map *const rules[] = {&labels};

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

static void on_container(const struct docker_container *container, void *context)
{
	struct tag_list list;
	size_t size = strlen(container->id);

	(void)context;
	check(size > 0 && size <= DOCKER_MAX_ID);
	check(strspn(container->id, "0123456789abcdef") == size);
	check(container->n_addresses <= ENTITY_MAX_ADDRESSES);
	(void)docker_tags_get(container, rules, 1, &list);
	tag_list_sort(&list);
}

static void on_event(enum docker_event event, const struct docker_container *container,
		     void *context)
{
	check(event <= DOCKER_EVENT_REMOVED);
	on_container(container, context);
}

static int on_listed(const char *text, size_t size, void *context)
{
	(void)docker_parse_listed(text, size, on_container, context);
	return 0;
}

static void on_line(const char *line, size_t size, void *context)
{
	(void)docker_parse_event(line, size, on_event, context);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *text = (const char *)bytes;
	struct docker_lines lines = {0};
	struct json_items *list = json_items_new(JSON_ITEMS_ARRAY, size, on_listed, NULL);

	(void)json_items_feed(list, text, size);
	(void)docker_parse_inspect(text, size, on_container, NULL);
	for (size_t at = 0; at < size; at += 100)
		if (docker_lines_add(&lines, text + at, size - at < 100 ? size - at : 100, on_line,
				     NULL) < 0)
			break;
	docker_lines_deinit(&lines);
	json_items_free(list);
	return 0;
}
