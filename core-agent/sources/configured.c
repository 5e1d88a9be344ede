/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say of this host: the tags of the key `tags`. */
#include "source_classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "source_health.h"
#include "tags/tag.h"
#include "tags/tag_list.h"

struct source {
	struct source_health health;
};

/* "key:value"; a word without a colon is a tag of its own for many, so it is a value here. */
static void add(struct tag_list *list, const char *text)
{
	char key[TAG_SIZE];
	size_t size = strcspn(text, ":");

	if (!text[size] || size >= sizeof(key)) {
		tag_list_add(list, "tag", text);
		return;
	}
	memcpy(key, text, size);
	key[size] = '\0';
	tag_list_add(list, key, text + size + 1);
}

static int report(const struct source_context *context)
{
	struct tag_list list;
	struct entity_report report = {.kind = ENTITY_HOST, .id = "", .tags = &list};

	tag_list_clear(&list);
	for (size_t i = 0; i < context->settings->tags.n; i++)
		add(&list, context->settings->tags.items[i]);
	return entities_set(context->entities, ENTITY_FROM_SETTINGS, &report, 0);
}

static int configured_new(const struct source_context *context, struct source **ret)
{
	struct source *source;
	int r;

	if (context->settings->tags.n == 0)
		return -ENODEV;
	r = report(context);
	source = r == 0 ? calloc(1, sizeof(*source)) : NULL;
	if (!source)
		return r < 0 ? r : -ENOMEM;
	source_health_init(&source->health, configured_source.name);
	source_health_answered(&source->health);
	*ret = source;
	return 0;
}

static void configured_free(struct source *source)
{
	free(source);
}

static const struct source_health *configured_health(const struct source *source)
{
	return &source->health;
}

const struct source_class configured_source = {
	.name = "settings",
	.new = configured_new,
	.free = configured_free,
	.health = configured_health,
};
